"""The stored answers of one batch: one per run of turns, repaired once, in two halves if the run is too long.

One turn that is too long by itself is asked for in pieces, whose answers are answers to the turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo
from functools import cached_property
from typing import Any
from uuid import UUID

from afterturn.batches import leases
from afterturn.batches.batch_row import Batch
from afterturn.batches.leases import Lease
from afterturn.candidate import UNKNOWN_TURN, Candidate, EpisodeDraft, Quote
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import AnswerMalformed
from afterturn.extraction import answer, turn_pieces
from afterturn.extraction.answer import Answer
from afterturn.llm import calls
from afterturn.llm.calls import Call

_SQL = queries.load("batches")

#: Attempts per run of turns. After an unusable answer the model is called again, with the reason.
ATTEMPTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Consecutive turns that one call is about, or a piece of one turn."""

    first_position: int
    last_position: int
    piece: str = ""

    @property
    def is_one_turn(self) -> bool:
        return self.first_position == self.last_position

    def halves(self) -> tuple[Run, Run]:
        """Return the two runs into which it is split: runs of fewer turns, or pieces of its one turn."""
        if self.is_one_turn:
            first, second = turn_pieces.halves_of(self.piece)
            return replace(self, piece=first), replace(self, piece=second)
        middle = (self.first_position + self.last_position) // 2
        return replace(self, last_position=middle), replace(self, first_position=middle + 1)


@dataclass(frozen=True, kw_only=True)
class StoredAnswer:
    """The answer for a run of a batch's turns."""

    first_position: int
    last_position: int
    #: 1, or 2 for the repair.
    attempt: int
    #: The prompt that was answered.
    prompt_version: str
    #: The model's answer, unchanged. None if these turns are sent to the model in two halves.
    text: str | None
    #: Which piece of one turn it is for (`turn_pieces`); empty for all of the turns.
    piece: str = ""
    #: The timezone of dates and times without an offset.
    zone: tzinfo = UTC
    #: The known facts that the model was shown, in the order of their labels K1, K2, …
    known_ids: tuple[UUID, ...] = ()

    @cached_property
    def answer(self) -> Answer:
        """The parsed text, with the ids of known facts in place of their labels. Raises AnswerMalformed."""
        return _with_known_ids(answer.parse(self.text or "", self.zone), self.known_ids)

    def check_readable(self) -> None:
        """Parse the text, unless that was done. Raises AnswerMalformed."""
        _ = self.answer

    @property
    def run(self) -> Run:
        """The run of turns that it answers."""
        return Run(first_position=self.first_position, last_position=self.last_position, piece=self.piece)

    @property
    def size(self) -> int:
        """The number of turns in the run."""
        return self.last_position - self.first_position + 1

    def find_problem(self) -> str | None:
        """Return why the answer is unusable; None if it is usable."""
        if self.text is None:
            return None
        try:
            answer = self.answer
        except AnswerMalformed as error:
            return str(error)
        if answer.malformed and not answer.facts:
            return f"nothing in it can be read: {', '.join(sorted(set(answer.malformed)))}"
        numbers = {quote.turn for candidate in answer.facts for quote in candidate.evidence} - {UNKNOWN_TURN}
        unknown = sorted(number for number in numbers if not 1 <= number <= self.size)
        return f"it names turns that do not exist: {unknown[:5]}" if unknown else None


def _with_known_ids(parsed: Answer, known_ids: Sequence[UUID]) -> Answer:
    """Return the answer with the ids of facts in place of labels (K1, …). A label that was not shown is dropped."""
    ids = {f"K{number}": str(fact_id) for number, fact_id in enumerate(known_ids, start=1)}
    facts = tuple(
        fact.model_copy(
            update={
                "known": tuple(
                    known.model_copy(update={"known": ids[known.known]}) for known in fact.known if known.known in ids
                )
            }
        )
        if fact.known
        else fact
        for fact in parsed.facts
    )
    return parsed.model_copy(update={"facts": facts})


def read_answers(
    connection: Connection, batch: Batch, *, prompt_versions: Sequence[str], model: str, zone: tzinfo = UTC
) -> list[StoredAnswer]:
    """Return all answers stored for a batch by one prompt and model, wider runs first, repairs last.

    Args:
        connection: the connection.
        batch: the batch.
        prompt_versions: the prompts; only the answers to the first of them that has any are returned.
        model: the model that answered.
        zone: the timezone of dates and times without an offset.
    """
    rows = connection.execute(
        _SQL["answers"], batch.key | {"prompt_versions": list(prompt_versions), "model": model}
    ).fetchall()
    return [
        StoredAnswer(
            first_position=row["first_position"],
            last_position=row["last_position"],
            attempt=row["attempt"],
            text=row["answer"],
            piece=row["piece"],
            zone=zone,
            known_ids=tuple(row["known_ids"] or ()),
            prompt_version=row["prompt_version"],
        )
        for row in rows
    ]


def store_answer(
    connection: Connection, batch: Batch, lease: Lease, stored: StoredAnswer, *, model: str, call: Call | None
) -> None:
    """Store an answer, if the lease on its batch is still valid, and the cost of its call. Raises StaleLease.

    Args:
        connection: with or without a transaction.
        batch: the batch.
        lease: the lease on the batch.
        stored: the answer.
        model: the name of the model.
        call: the call that gave the answer; None if the model was not called, or its cost is recorded already.
    """
    arguments: dict[str, Any] = {
        "prompt_version": stored.prompt_version,
        "model": model,
        "first_position": stored.first_position,
        "last_position": stored.last_position,
        "piece": stored.piece,
        "attempt": stored.attempt,
        "answer": stored.text,
        "known_ids": list(stored.known_ids) or None,
    }
    # A split turn has no row in `answers`: release 0.1 would halve a row without an answer again.
    is_split_turn = stored.run.is_one_turn and (stored.piece or stored.text is None)
    statement = _SQL["add_answer_piece" if is_split_turn else "add_answer"]
    leases.execute_fenced(connection, lease, statement, batch.key | arguments | calls.result_arguments(call))


def latest_answer(stored: Sequence[StoredAnswer], run: Run) -> StoredAnswer | None:
    """Return the last answer for exactly this run of turns; None if there is none."""
    matching = [candidate for candidate in stored if candidate.run == run]
    return max(matching, key=lambda candidate: candidate.attempt, default=None)


def combine_answers(batch: Batch, stored: Sequence[StoredAnswer]) -> Answer:
    """Combine the stored answers into one for the whole batch. Raises AnswerMalformed."""
    parts = _answers_in_order(stored, whole_run(batch))
    if len(parts) == 1:
        return parts[0].answer
    stated: set[tuple[int, str]] = set()
    facts = [
        candidate.model_copy(
            update={
                "evidence": tuple(
                    _renumber(quote, part.first_position - batch.first_position)
                    for quote in candidate.evidence
                    # A number outside of its part must not become the number of a turn in another part.
                    if quote.turn == UNKNOWN_TURN or 1 <= quote.turn <= part.size
                )
            }
        )
        for part in parts
        for candidate in _new_facts(part, stated)
    ]
    episodes = [part.answer.episode for part in parts if part.answer.episode]
    malformed = tuple(reason for part in parts for reason in part.answer.malformed)
    return Answer(facts=tuple(facts), episode=_combine_episodes(episodes), malformed=malformed)


def _renumber(quote: Quote, before: int) -> Quote:
    """Return the quote with the number of its turn in the whole batch, after `before` turns of other parts."""
    return quote if quote.turn == UNKNOWN_TURN else quote.model_copy(update={"turn": quote.turn + before})


def whole_run(batch: Batch) -> Run:
    """Return the run of all turns of a batch."""
    return Run(first_position=batch.first_position, last_position=batch.last_position)


def _answers_in_order(stored: Sequence[StoredAnswer], run: Run) -> list[StoredAnswer]:
    latest = latest_answer(stored, run)
    if latest is None:
        raise AnswerMalformed(f"no answer is stored for the turns {run.first_position} to {run.last_position}")
    if latest.text is not None:
        return [latest]
    return [part for half in run.halves() for part in _answers_in_order(stored, half)]


def _new_facts(part: StoredAnswer, stated: set[tuple[int, str]]) -> Iterator[Candidate]:
    """Yield the facts of a part without those that an earlier piece of its turn states alike: pieces overlap."""
    for fact in part.answer.facts:
        key = (part.first_position, " ".join(fact.text.split()).casefold())
        if not part.piece or key not in stated:
            stated.add(key)
            yield fact


def _combine_episodes(episodes: Sequence[EpisodeDraft]) -> EpisodeDraft | None:
    if not episodes:
        return None
    return EpisodeDraft(
        title=episodes[0].title,
        summary=" ".join(episode.summary for episode in episodes),
        outcome=episodes[-1].outcome,
        participants=tuple(dict.fromkeys(name for episode in episodes for name in episode.participants)),
    )
