"""What a stored answer comes to. The same answer and turns always come to the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from afterturn import batches
from afterturn.batches import Batch
from afterturn.database.pool import Connection
from afterturn.extraction import answers, verification
from afterturn.extraction.answer import EpisodeDraft
from afterturn.extraction.verification import BelievedCandidate, Rejection
from afterturn.turns import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An extracted batch's turns, and what its stored answer makes of them."""

    turns: Sequence[Turn]
    believed: Sequence[BelievedCandidate]
    rejected: Sequence[Rejection]
    episode: EpisodeDraft | None


def read(connection: Connection, batch: Batch) -> Outcome:
    """Return the outcome of an extracted batch. Raises AnswerMalformed."""
    assert batch.prompt_version is not None and batch.model is not None, "an extracted batch names its answer"
    stored = answers.read(connection, batch, prompt_version=batch.prompt_version, model=batch.model)
    parsed = answers.united(batch, stored)
    _, turns = batches.read_turns(connection, batch)
    believed, rejected = verification.verify(
        parsed, turns, batch_id=batch.batch_id, prompt_version=batch.prompt_version, model=batch.model
    )
    return Outcome(turns=turns, believed=believed, rejected=rejected, episode=parsed.episode)
