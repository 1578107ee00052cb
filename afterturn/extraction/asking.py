"""Asking the extractor about a batch: once per run of turns, once more for an answer that cannot be used, and in halves
where the turns do not fit. Every answer is stored before it is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from psycopg_pool import ConnectionPool

from afterturn import faults
from afterturn.batches.batch_row import Batch
from afterturn.batches.leases import Lease
from afterturn.database.pool import Connection
from afterturn.endpoints.breaker import Breaker
from afterturn.errors import AnswerMalformed, AnswerTruncated, InputTooLong
from afterturn.extraction import answers, small_talk, timezones
from afterturn.extraction.answer import Answer
from afterturn.extraction.answers import StoredAnswer
from afterturn.extraction.extractor import CONTEXT_TURNS, ExtractionRequest, Extractor
from afterturn.llm import calls
from afterturn.llm.calls import Call
from afterturn.settings import Settings

#: The answer to turns that hold nothing to remember; nobody is asked.
NOTHING = '{"facts": [], "episode": null}'


class Servers(Protocol):
    """What asking needs of the runtime."""

    @property
    def settings(self) -> Settings: ...
    @property
    def postgres(self) -> ConnectionPool[Connection]: ...
    @property
    def llm_breaker(self) -> Breaker: ...
    @property
    def extractor(self) -> Extractor: ...


class Extraction:
    """The asking for one batch; it goes on from the answers that are stored already."""

    def __init__(
        self,
        servers: Servers,
        batch: Batch,
        lease: Lease,
        request: ExtractionRequest,
        stored: Sequence[StoredAnswer],
    ) -> None:
        """Name the work.

        Args:
            servers: the runtime.
            batch: the batch.
            lease: what entitles to the work.
            request: shows all turns of the batch.
            stored: the answers that this prompt and model gave before.
        """
        self._servers = servers
        self._batch = batch
        self._lease = lease
        self._request = request
        self._stored = list(stored)
        extractor = servers.extractor
        self._version = {"prompt_version": extractor.prompt_version, "model": extractor.model}

    def complete(self) -> Answer:
        """Ask until every turn has a usable answer, and return the answer for the whole batch.

        Raises AnswerMalformed where no usable answer is to be had, ModelUnavailable, ModelRefused or StaleLease.
        """
        self._complete_run(self._batch.first_position, self._batch.last_position)
        return answers.united(self._batch, self._stored)

    def _complete_run(self, first: int, last: int) -> None:
        found = answers.latest(self._stored, first, last)
        while found is None or (found.problem() and found.attempt < answers.ATTEMPTS):
            found = self._ask_and_store(first, last, found)
        if found.text is None:
            for run in answers.halves(first, last):
                self._complete_run(*run)

    def _ask_and_store(self, first: int, last: int, previous: StoredAnswer | None) -> StoredAnswer:
        attempt = 1 if previous is None else previous.attempt + 1
        call: Call | None = None
        try:
            text, call = self._ask(first, last, None if previous is None else previous.problem())
        except (InputTooLong, AnswerTruncated) as error:
            if first == last:
                raise AnswerMalformed("one turn alone is too long for the model") from error
            text = None
        except AnswerMalformed:
            text = ""  # nothing to read in it: as unusable as any other, and repaired like any other
        faults.point("extract.answer_received")
        zone = timezones.timezone_of(self._request.timezone)
        stored = StoredAnswer(first_position=first, last_position=last, attempt=attempt, text=text, zone=zone)
        with self._servers.postgres.connection() as connection:
            if call is not None:
                calls.record_result(connection, call)
            answers.store(connection, self._batch, self._lease, stored, **self._version)
        self._stored.append(stored)
        faults.point("extract.answer_stored")
        return stored

    def _ask(self, first: int, last: int, problem: str | None) -> tuple[str | None, Call | None]:
        """Return an answer as it came, and the call that it took, where one was made."""
        request = self._request_for(first, last, problem)
        names = (request.user_name,) if request.user_name else ()
        if small_talk.is_small_talk(request.turns, request.context, names=names):
            return NOTHING, None
        if self._servers.settings.is_offline:
            return self._servers.extractor.extract(request).text, None
        return self._servers.llm_breaker.call(lambda: self._call(request))

    def _call(self, request: ExtractionRequest) -> tuple[str, Call]:
        extractor = self._servers.extractor
        with calls.reserved(
            self._servers.postgres,
            self._lease,
            self._batch.session,
            stage="extract",
            model=extractor.model,
            expected_tokens=extractor.expected_tokens(request),
            daily_tokens=self._servers.settings.user_daily_tokens,
            batch_id=self._batch.batch_id,
        ) as call:
            faults.point("extract.call_reserved")
            raw = extractor.extract(request)
            call.took(raw)
            return raw.text, call

    def _request_for(self, first: int, last: int, problem: str | None) -> ExtractionRequest:
        """Return the request for a run of the batch's turns, with the turns before it as context."""
        start, end = first - self._batch.first_position, last - self._batch.first_position + 1
        before = [*self._request.context, *self._request.turns[:start]][-CONTEXT_TURNS:]
        return replace(self._request, turns=self._request.turns[start:end], context=before, problem=problem)
