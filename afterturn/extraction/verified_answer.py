"""The verified answer to a batch's turns: candidates, rejections and an episode.

Verification is deterministic: the same answer and turns always give the same result.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from afterturn.batches.batch_row import Batch
from afterturn.candidate import EpisodeDraft
from afterturn.extraction import candidates, turn_secrets, verification
from afterturn.extraction.answer import Answer
from afterturn.extraction.verification import Rejection, VerifiedCandidate
from afterturn.facts.edits import Edit
from afterturn.turns import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """The summary of what happened in a batch, without secrets."""

    title: str
    summary: str
    outcome: str
    participants: tuple[str, ...]
    #: The times of the batch's first and last turn.
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedAnswer:
    """The verified answer to a batch's turns, or a person's edit."""

    candidates: Sequence[VerifiedCandidate]
    #: Empty if they are stored already.
    rejections: Sequence[Rejection]
    episode: Episode | None
    #: A person's edits of known facts. A correction's first candidate replaces the corrected fact.
    edits: Sequence[Edit] = ()
    #: Whether the person pinned the candidates. None: pinned if the corrected fact is.
    pinned: bool | None = None


def verify_answer(
    answer: Answer,
    turns: Sequence[Turn],
    batch: Batch,
    *,
    prompt_version: str,
    model: str,
    shown: Mapping[str, str],
    categories: Collection[str] | None,
    redacted: Sequence[Turn] | None = None,
) -> VerifiedAnswer:
    """Verify the answer to a batch's turns.

    Args:
        answer: the answer for the whole batch.
        turns: the batch's turns, in order.
        batch: the batch. The ids of the facts derive from it, from the prompt version and from the model.
        prompt_version: the prompt that was answered.
        model: the model that answered.
        shown: texts of the memories that the assistant was shown, by id.
        categories: the allowed categories; any other becomes `other`. None: all are allowed.
        redacted: the turns as the model saw them, without secrets; None: they are made here.
    """
    if redacted is None:
        redacted = turn_secrets.redact_turns(turns)
    accepted, rejections = verification.verify(
        answer,
        turns,
        batch_id=batch.batch_id,
        prompt_version=prompt_version,
        model=model,
        shown=shown,
        categories=categories,
        redacted=redacted,
    )
    secrets = turn_secrets.find_replaced_secrets(turns, redacted)
    episode = _make_episode(answer.episode, turns, secrets)
    return VerifiedAnswer(candidates=accepted, rejections=rejections, episode=episode)


def _make_episode(draft: EpisodeDraft | None, turns: Sequence[Turn], secrets: Collection[str]) -> Episode | None:
    if draft is None:
        return None
    clean = candidates.redact_episode(candidates.bound_episode(draft), secrets)
    return Episode(
        title=clean.title,
        summary=clean.summary,
        outcome=clean.outcome,
        participants=clean.participants or _speakers(turns),
        started_at=min(turn.occurred_at for turn in turns),
        ended_at=max(turn.occurred_at for turn in turns),
    )


def _speakers(turns: Sequence[Turn]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(turn.name for turn in turns if turn.name and not turn.is_removed))
