"""What a batch's answer comes to: verified candidates, rejections and an episode. The same answer and turns always come
to the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from afterturn.batches.batch_row import Batch
from afterturn.candidate import EpisodeDraft
from afterturn.extraction import candidates, verification
from afterturn.extraction.answer import Answer
from afterturn.extraction.verification import BelievedCandidate, Rejection
from afterturn.facts.edits import Edit
from afterturn.turns import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """What happened in a batch, without secrets."""

    title: str
    summary: str
    outcome: str
    participants: tuple[str, ...]
    #: When the first and the last turn of the batch were said.
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a batch's answer comes to."""

    believed: Sequence[BelievedCandidate]
    #: Empty where they are stored already.
    rejected: Sequence[Rejection]
    episode: Episode | None
    #: A person's edits of known facts. A correction's first candidate takes the place of the corrected fact.
    edits: Sequence[Edit] = ()
    #: Whether the person pinned the candidates; None: as the corrected fact is.
    pinned: bool | None = None


def verify(
    answer: Answer,
    turns: Sequence[Turn],
    batch: Batch,
    *,
    prompt_version: str,
    model: str,
    shown: Mapping[str, str],
    categories: Collection[str] | None,
) -> Outcome:
    """Verify the answer to a batch's turns.

    Args:
        answer: for the whole batch.
        turns: the batch's turns, in order.
        batch: names the facts that the candidates may become.
        prompt_version: which prompt was answered.
        model: which model answered.
        shown: texts of the memories that the assistant was shown, by id.
        categories: those that facts may have; any other becomes `other`. None: whatever the answer says.
    """
    believed, rejected = verification.verify(
        answer,
        turns,
        batch_id=batch.batch_id,
        prompt_version=prompt_version,
        model=model,
        shown=shown,
        categories=categories,
    )
    return Outcome(believed=believed, rejected=rejected, episode=_episode(answer.episode, turns))


def _episode(draft: EpisodeDraft | None, turns: Sequence[Turn]) -> Episode | None:
    if draft is None:
        return None
    clean = candidates.redacted(draft, verification.told_secrets(turns))
    return Episode(
        title=clean.title,
        summary=clean.summary,
        outcome=clean.outcome,
        participants=clean.participants,
        started_at=min(turn.occurred_at for turn in turns),
        ended_at=max(turn.occurred_at for turn in turns),
    )
