"""Extract a batch: call the model once per run of turns, and once more if its answer is unusable.

A run that is too long for the model is split in two halves, and one turn that is too long in two overlapping pieces.
Quotes are verified against the whole turn all the same. Every answer is stored before it is used.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Protocol

from afterturn import faults
from afterturn.batches.batch_row import Batch
from afterturn.batches.leases import Lease
from afterturn.errors import AnswerMalformed, AnswerTruncated, InputTooLong, ModelRefused
from afterturn.extraction import small_talk, stored_answers, timezones, turn_pieces
from afterturn.extraction.answer import Answer
from afterturn.extraction.extractor import CONTEXT_TURNS, ExtractionRequest, Extractor
from afterturn.extraction.stored_answers import Run, StoredAnswer
from afterturn.llm import calls
from afterturn.llm.calls import Call, LLMServers

#: The answer for turns that contain only small talk. The model is not called.
EMPTY_ANSWER = '{"facts": [], "episode": null}'


class Servers(LLMServers, Protocol):
    """The parts of the runtime that extraction uses."""

    @property
    def extractor(self) -> Extractor: ...


class _UnusableAnswer(AnswerMalformed):
    """The model answered, and the answer cannot be used."""

    def __init__(self, message: str, *, stored: StoredAnswer, call: Call) -> None:
        super().__init__(message)
        self.stored = stored
        self.call = call


class BatchExtraction:
    """The extraction of one batch. It continues from the answers that are stored already."""

    def __init__(
        self,
        servers: Servers,
        batch: Batch,
        lease: Lease,
        request: ExtractionRequest,
        stored: Sequence[StoredAnswer],
        *,
        prompt_version: str,
    ) -> None:
        """Prepare the extraction.

        Args:
            servers: the runtime.
            batch: the batch.
            lease: the lease on the batch.
            request: a request with all turns of the batch.
            stored: the stored answers of this prompt and model.
            prompt_version: the prompt under which further answers are stored.
        """
        self._servers = servers
        self._batch = batch
        self._lease = lease
        self._request = request
        self._stored = list(stored)
        #: A piece of a turn of this many characters was too long for the model: others of that length are not tried.
        self._too_long_characters = sys.maxsize
        self._prompt_version = prompt_version
        self._known_ids = tuple(statement.fact_id for statement in request.known)
        #: The error of the last unusable answer; it includes the counts of the circuit breaker.
        self._refusal: ModelRefused | None = None

    def run(self) -> Answer:
        """Call the model until every turn has a usable answer, and return the answer for the whole batch.

        Raises AnswerMalformed if the last attempt gives no usable answer, InputTooLong if even a small piece of a turn
        is too long for the model, ModelUnavailable, ModelRefused or StaleLease.
        """
        try:
            self._complete_run(stored_answers.whole_run(self._batch))
            return stored_answers.combine_answers(self._batch, self._stored)
        except ModelRefused as error:
            if error.successes is None and self._refusal is not None:
                error.successes, error.others_refused = self._refusal.successes, self._refusal.others_refused
            raise

    def _complete_run(self, run: Run) -> None:
        stored = stored_answers.latest_answer(self._stored, run)
        # A batch that is tried again, because the endpoint may have been the cause, gets new attempts.
        attempts = stored_answers.ATTEMPTS
        if stored is not None:
            attempts *= stored.attempt // stored_answers.ATTEMPTS + 1
        while stored is None or (stored.find_problem() and stored.attempt < attempts):
            stored = self._ask_and_store(run, stored)
        if stored.text is None:
            for half in run.halves():
                self._complete_run(half)

    def _ask_and_store(self, run: Run, previous: StoredAnswer | None) -> StoredAnswer:
        attempt = 1 if previous is None else previous.attempt + 1
        zone = timezones.timezone_of(self._request.timezone)
        stored = StoredAnswer(
            **asdict(run),
            attempt=attempt,
            text=None,
            zone=zone,
            known_ids=self._known_ids,
            prompt_version=self._prompt_version,
        )
        call: Call | None = None
        try:
            stored, call = self._ask(stored, None if previous is None else previous.find_problem())
        except (InputTooLong, AnswerTruncated) as error:
            self._note_too_long(run, error)
        except _UnusableAnswer as error:
            stored, call, self._refusal = error.stored, error.call, error
        except AnswerMalformed as error:
            # Stored as an unusable answer, which is repaired like any other.
            stored, self._refusal = replace(stored, text=""), error
        faults.point("extract.answer_received")
        with self._servers.postgres.connection() as connection:
            stored_answers.store_answer(
                connection, self._batch, self._lease, stored, model=self._servers.extractor.model, call=call
            )
        self._stored.append(stored)
        faults.point("extract.answer_stored")
        return stored

    def _note_too_long(self, run: Run, error: InputTooLong | AnswerTruncated) -> None:
        """Let a run be split. Raises InputTooLong or AnswerMalformed if it is the smallest piece of one turn."""
        if not run.is_one_turn:
            return
        text = self._text_of_piece(run)
        if turn_pieces.can_halve(text):
            if isinstance(error, InputTooLong):
                self._too_long_characters = min(self._too_long_characters, len(text))
            return
        refused: ModelRefused
        if isinstance(error, InputTooLong):
            refused = InputTooLong(f"a piece of one turn of {len(text)} characters is too long for the model")
        else:
            refused = AnswerMalformed("the answer to a single turn is too long for the model")
        if not self._servers.settings.is_offline:
            self._servers.llm_breaker.record_refusal(refused, caller=str(self._batch.batch_id))
        raise refused from error

    def _text_of_piece(self, run: Run) -> str:
        turn = self._request.turns[run.first_position - self._batch.first_position]
        return turn_pieces.text_of(turn.content, run.piece)

    def _ask(self, unanswered: StoredAnswer, find_problem: str | None) -> tuple[StoredAnswer, Call | None]:
        """Return `unanswered` with the model's answer, and the call if the model was called."""
        run = unanswered.run
        if run.piece and len(self._text_of_piece(run)) >= self._too_long_characters:
            return unanswered, None
        request = self._request_for(run, find_problem)
        names = (request.user_name,) if request.user_name else ()
        if small_talk.is_small_talk(request.turns, request.context, names=names):
            return replace(unanswered, text=EMPTY_ANSWER), None
        if self._servers.settings.is_offline:
            return replace(unanswered, text=self._servers.extractor.extract(request).text), None
        return self._servers.llm_breaker.call(
            lambda: self._call_and_check(unanswered, request), caller=str(self._batch.batch_id)
        )

    def _call_and_check(self, unanswered: StoredAnswer, request: ExtractionRequest) -> tuple[StoredAnswer, Call]:
        text, call = self._call_model(request)
        stored = replace(unanswered, text=text)
        try:
            stored.check_readable()
        except AnswerMalformed as error:
            raise _UnusableAnswer(str(error), stored=stored, call=call) from None
        return stored, call

    def _call_model(self, request: ExtractionRequest) -> tuple[str, Call]:
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

    def _request_for(self, run: Run, find_problem: str | None) -> ExtractionRequest:
        """Return the request for a run of the batch's turns, with the turns before it as context."""
        start = run.first_position - self._batch.first_position
        end = run.last_position - self._batch.first_position + 1
        before = [*self._request.context, *self._request.turns[:start]][-CONTEXT_TURNS:]
        turns = self._request.turns[start:end]
        if run.piece:
            turns = [replace(turns[0], content=self._text_of_piece(run))]
        return replace(self._request, turns=turns, context=before, problem=find_problem)
