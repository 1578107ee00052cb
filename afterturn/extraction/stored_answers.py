"""The stored answers of one batch: one per run of turns, repaired once, in two halves if the run is too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import cached_property
from typing import Any

from afterturn.batches import leases
from afterturn.batches.batch_row import Batch
from afterturn.batches.leases import Lease
from afterturn.candidate import UNKNOWN_TURN, EpisodeDraft, Quote
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import AnswerMalformed
from afterturn.extraction import answer
from afterturn.extraction.answer import Answer

_SQL = queries.load("batches")

#: Attempts per run of turns. After an unusable answer the model is called again, with the reason.
ATTEMPTS = 2


@dataclass(frozen=True, kw_only=True)
class StoredAnswer:
    """The answer for a run of a batch's turns."""

    first_position: int
    last_position: int
    #: 1, or 2 for the repair.
    attempt: int
    #: The model's answer, unchanged. None if these turns are sent to the model in two halves.
    text: str | None
    #: The timezone of dates and times without an offset.
    zone: tzinfo = UTC

    @cached_property
    def answer(self) -> Answer:
        """The parsed text; it is parsed once. Raises AnswerMalformed."""
        return answer.parse(self.text or "", self.zone)

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


def read_answers(
    connection: Connection, batch: Batch, *, prompt_version: str, model: str, zone: tzinfo = UTC
) -> list[StoredAnswer]:
    """Return all answers stored for a batch by one prompt and model, wider runs first, repairs last.

    Args:
        connection: the connection.
        batch: the batch.
        prompt_version: the prompt that was answered.
        model: the model that answered.
        zone: the timezone of dates and times without an offset.
    """
    rows = connection.execute(
        _SQL["answers"], batch.key | {"prompt_version": prompt_version, "model": model}
    ).fetchall()
    return [
        StoredAnswer(
            first_position=row["first_position"],
            last_position=row["last_position"],
            attempt=row["attempt"],
            text=row["answer"],
            zone=zone,
        )
        for row in rows
    ]


def store_answer(
    connection: Connection, batch: Batch, lease: Lease, stored: StoredAnswer, *, prompt_version: str, model: str
) -> None:
    """Store an answer, if the lease on its batch is still valid. Raises StaleLease."""
    arguments: dict[str, Any] = {
        "prompt_version": prompt_version,
        "model": model,
        "first_position": stored.first_position,
        "last_position": stored.last_position,
        "attempt": stored.attempt,
        "answer": stored.text,
    }
    leases.execute_fenced(connection, lease, _SQL["add_answer"], batch.key | arguments)


def latest_answer(stored: Sequence[StoredAnswer], first_position: int, last_position: int) -> StoredAnswer | None:
    """Return the last answer for exactly this run of turns; None if there is none."""
    run = (first_position, last_position)
    matching = [candidate for candidate in stored if (candidate.first_position, candidate.last_position) == run]
    return max(matching, key=lambda candidate: candidate.attempt, default=None)


def split_in_halves(first_position: int, last_position: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the two runs that a run of at least two turns is split into."""
    middle = (first_position + last_position) // 2
    return (first_position, middle), (middle + 1, last_position)


def combine_answers(batch: Batch, stored: Sequence[StoredAnswer]) -> Answer:
    """Combine the stored answers into one for the whole batch. Raises AnswerMalformed."""
    parts = _answers_in_order(stored, batch.first_position, batch.last_position)
    if len(parts) == 1:
        return parts[0].answer
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
        for candidate in part.answer.facts
    ]
    episodes = [part.answer.episode for part in parts if part.answer.episode]
    malformed = tuple(reason for part in parts for reason in part.answer.malformed)
    return Answer(facts=tuple(facts), episode=_combine_episodes(episodes), malformed=malformed)


def _renumber(quote: Quote, before: int) -> Quote:
    """Return the quote with the number of its turn in the whole batch, after `before` turns of other parts."""
    return quote if quote.turn == UNKNOWN_TURN else quote.model_copy(update={"turn": quote.turn + before})


def _answers_in_order(stored: Sequence[StoredAnswer], first: int, last: int) -> list[StoredAnswer]:
    latest = latest_answer(stored, first, last)
    if latest is None:
        raise AnswerMalformed(f"no answer is stored for the turns {first} to {last}")
    if latest.text is not None:
        return [latest]
    return [part for run in split_in_halves(first, last) for part in _answers_in_order(stored, *run)]


def _combine_episodes(episodes: Sequence[EpisodeDraft]) -> EpisodeDraft | None:
    if not episodes:
        return None
    return EpisodeDraft(
        title=episodes[0].title,
        summary=" ".join(episode.summary for episode in episodes),
        outcome=episodes[-1].outcome,
        participants=tuple(dict.fromkeys(name for episode in episodes for name in episode.participants)),
    )
