"""The stored answers of one batch: asked for once, repaired once, and split where they do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import cached_property
from typing import Any

from afterturn.batches import leases
from afterturn.batches.batch_row import Batch
from afterturn.batches.leases import Lease
from afterturn.candidate import EpisodeDraft
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import AnswerMalformed
from afterturn.extraction import answer
from afterturn.extraction.answer import Answer

_SQL = queries.load("batches")

#: An answer that cannot be used is asked for once more, with the reason.
ATTEMPTS = 2


@dataclass(frozen=True, kw_only=True)
class StoredAnswer:
    """The answer for a run of a batch's turns."""

    first_position: int
    last_position: int
    #: 1, or 2 for the repair.
    attempt: int
    #: As it came from the model; None where these turns are asked for in halves.
    text: str | None
    #: In which a date or a time without an offset is read.
    zone: tzinfo = UTC

    @cached_property
    def answer(self) -> Answer:
        """The answer that its text holds, parsed once. Raises AnswerMalformed."""
        return answer.parse(self.text or "", self.zone)

    @property
    def size(self) -> int:
        """How many turns it is about."""
        return self.last_position - self.first_position + 1

    def problem(self) -> str | None:
        """Say why it cannot be used; None when it can."""
        if self.text is None:
            return None
        try:
            facts = self.answer.facts
        except AnswerMalformed as error:
            return str(error)
        numbers = {quote.turn for candidate in facts for quote in candidate.evidence}
        unknown = sorted(number for number in numbers if not 1 <= number <= self.size)
        return f"it names turns that do not exist: {unknown[:5]}" if unknown else None


def read(
    connection: Connection, batch: Batch, *, prompt_version: str, model: str, zone: tzinfo = UTC
) -> list[StoredAnswer]:
    """Return all answers stored for a batch by one prompt and model, wider runs first, repairs last.

    Dates in them that have no offset are dates in `zone`.
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


def store(
    connection: Connection, batch: Batch, lease: Lease, stored: StoredAnswer, *, prompt_version: str, model: str
) -> None:
    """Keep an answer under the lease on its batch. Raises StaleLease."""
    arguments: dict[str, Any] = {
        "prompt_version": prompt_version,
        "model": model,
        "first_position": stored.first_position,
        "last_position": stored.last_position,
        "attempt": stored.attempt,
        "answer": stored.text,
    }
    leases.execute_fenced(connection, lease, _SQL["add_answer"], batch.key | arguments)


def latest(stored: Sequence[StoredAnswer], first_position: int, last_position: int) -> StoredAnswer | None:
    """Return the last answer for exactly this run of turns."""
    run = (first_position, last_position)
    matching = [found for found in stored if (found.first_position, found.last_position) == run]
    return max(matching, key=lambda found: found.attempt, default=None)


def halves(first_position: int, last_position: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the two runs that a run of at least two turns is split into."""
    middle = (first_position + last_position) // 2
    return (first_position, middle), (middle + 1, last_position)


def united(batch: Batch, stored: Sequence[StoredAnswer]) -> Answer:
    """Return the answer for the whole batch, from its parts in order. Raises AnswerMalformed."""
    parts = _parts(stored, batch.first_position, batch.last_position)
    if len(parts) == 1:
        return parts[0].answer
    facts = [
        candidate.model_copy(
            update={
                "evidence": tuple(
                    quote.model_copy(update={"turn": quote.turn + part.first_position - batch.first_position})
                    for quote in candidate.evidence
                    # A number outside of its part must not come to name a turn of another part.
                    if 1 <= quote.turn <= part.size
                )
            }
        )
        for part in parts
        for candidate in part.answer.facts
    ]
    episodes = [part.answer.episode for part in parts if part.answer.episode]
    return Answer(facts=tuple(facts), episode=_one_episode(episodes))


def _parts(stored: Sequence[StoredAnswer], first: int, last: int) -> list[StoredAnswer]:
    found = latest(stored, first, last)
    if found is None:
        raise AnswerMalformed(f"no answer is stored for the turns {first} to {last}")
    if found.text is not None:
        return [found]
    return [part for run in halves(first, last) for part in _parts(stored, *run)]


def _one_episode(episodes: Sequence[EpisodeDraft]) -> EpisodeDraft | None:
    if not episodes:
        return None
    return EpisodeDraft(
        title=episodes[0].title,
        summary=" ".join(episode.summary for episode in episodes),
        outcome=episodes[-1].outcome,
        participants=tuple(dict.fromkeys(name for episode in episodes for name in episode.participants)),
    )
