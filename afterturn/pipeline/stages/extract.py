"""Extract: a pending batch's turns go to the extractor, and its answer is stored before anything is done with it."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from afterturn import faults
from afterturn.batches import batch_row, claims, leases
from afterturn.batches.batch_row import Batch
from afterturn.batches.claims import Claimed
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import AnswerMalformed, AnswerTruncated, InputTooLong
from afterturn.extraction import answers, small_talk
from afterturn.extraction.answers import StoredAnswer
from afterturn.extraction.extractor import CONTEXT_TURNS, ExtractionRequest, RawAnswer
from afterturn.llm import calls
from afterturn.pipeline.runtime import Runtime
from afterturn.scopes import UserScope

_SQL = queries.load("batches")

NOTHING = '{"facts": [], "episode": null}'


def extract(runtime: Runtime, scope: UserScope, batch_id: UUID) -> bool:
    """Take one batch from pending to extracted. Returns whether it did; False when there was nothing to do."""
    with claims.claimed(runtime, scope, batch_id, stage="extract", state="pending") as claimed:
        if claimed is None:
            return False
        Extraction(runtime, claimed).complete()
        _commit(runtime, claimed)
        faults.point("extract.after_commit")
        runtime.enqueue.send("embed", scope.tenant_id, scope.user_id, str(batch_id))
        faults.point("extract.enqueued")
        return True
    return False


def _commit(runtime: Runtime, claimed: Claimed) -> None:
    extractor = runtime.extractor
    with runtime.postgres.connection() as connection, connection.transaction():
        claims.mark(connection, claimed, "extracted", prompt_version=extractor.prompt_version, model=extractor.model)
        faults.point("extract.before_commit")


class Extraction:
    """The asking for one batch: goes on from whatever answers are stored already."""

    def __init__(self, runtime: Runtime, claimed: Claimed) -> None:
        self._runtime = runtime
        self._claimed = claimed
        self._batch = claimed.batch
        extractor = runtime.extractor
        self._version = {"prompt_version": extractor.prompt_version, "model": extractor.model}
        with runtime.postgres.connection() as connection:
            self._request = _request(connection, self._batch)
            self._stored = answers.read(connection, self._batch, **self._version)

    def complete(self) -> None:
        """Ask until there is a usable answer for every turn. Raises AnswerMalformed when there is none to be had."""
        self._complete_run(self._batch.first_position, self._batch.last_position)

    def _complete_run(self, first: int, last: int) -> None:
        found = answers.latest(self._stored, first, last)
        while found is None or (found.problem() and found.attempt < answers.ATTEMPTS):
            found = self._ask_and_store(first, last, found)
        if found.text is None:
            for run in answers.halves(first, last):
                self._complete_run(*run)
            return
        # A repaired answer that still names unknown turns is used all the same: those candidates are rejected.
        answers.united(self._batch_of(first, last), [found])

    def _ask_and_store(self, first: int, last: int, previous: StoredAnswer | None) -> StoredAnswer:
        attempt = 1 if previous is None else previous.attempt + 1
        problem = None if previous is None else previous.problem()
        try:
            text: str | None = self._ask(first, last, problem)
        except (InputTooLong, AnswerTruncated) as error:
            if first == last:
                raise AnswerMalformed("one turn alone is too long for the model") from error
            text = None
        except AnswerMalformed:
            text = ""  # nothing to read in it: as unusable as any other, and repaired like any other
        faults.point("extract.answer_received")
        stored = StoredAnswer(first_position=first, last_position=last, attempt=attempt, text=text)
        with self._runtime.postgres.connection() as connection, connection.transaction():
            leases.fence(connection, self._claimed.lease)
            answers.store(connection, self._batch, stored, **self._version)
        self._stored.append(stored)
        faults.point("extract.answer_stored")
        return stored

    def _ask(self, first: int, last: int, problem: str | None) -> str:
        request = self._request_for(first, last, problem)
        names = (request.user_name,) if request.user_name else ()
        if small_talk.is_small_talk(request.turns, request.context, names=names):
            return NOTHING
        if self._runtime.settings.is_offline:
            return self._runtime.extractor.extract(request).text
        return self._runtime.llm_breaker.call(lambda: self._call(request)).text

    def _call(self, request: ExtractionRequest) -> RawAnswer:
        with calls.metered(
            self._runtime.postgres,
            self._claimed.lease,
            self._batch.session,
            stage="extract",
            model=self._runtime.extractor.model,
            expected_tokens=self._runtime.extractor.expected_tokens(request),
            daily_tokens=self._runtime.settings.user_daily_tokens,
            batch_id=self._batch.batch_id,
        ) as cost:
            faults.point("extract.call_reserved")
            raw = self._runtime.extractor.extract(request)
            cost.prompt_tokens, cost.completion_tokens = raw.prompt_tokens, raw.completion_tokens
            cost.cached_tokens = raw.cached_tokens
            return raw

    def _request_for(self, first: int, last: int, problem: str | None) -> ExtractionRequest:
        """Return the request for a run of the batch's turns, with the turns before it as context."""
        start, end = first - self._batch.first_position, last - self._batch.first_position + 1
        before = [*self._request.context, *self._request.turns[:start]][-CONTEXT_TURNS:]
        return replace(self._request, turns=self._request.turns[start:end], context=before, problem=problem)

    def _batch_of(self, first: int, last: int) -> Batch:
        return replace(self._batch, first_position=first, last_position=last)


def _request(connection: Connection, batch: Batch) -> ExtractionRequest:
    context, turns = batch_row.read_turns(connection, batch, context=CONTEXT_TURNS)
    user = connection.execute(_SQL["user"], batch.session_key).fetchone() or {}
    return ExtractionRequest(
        turns=turns, context=context, user_name=user.get("display_name"), timezone=user.get("timezone") or "UTC"
    )
