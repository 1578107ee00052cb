"""No fact without evidence: a candidate is believed when each of its quotes is found in the turn that it names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from afterturn import ids
from afterturn.extraction.answer import Answer, Candidate, Quote
from afterturn.turns import Turn

_SPACE = re.compile(r"\s+")
#: Models straighten quotation marks and dashes.
_STRAIGHT = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f", '"')
    | dict.fromkeys("\u2010\u2011\u2013\u2014\u2212", "-")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BelievedCandidate:
    """A candidate whose evidence was found."""

    #: Derived from the batch, the prompt version, the model and the candidate's place in the answer.
    fact_id: UUID
    candidate: Candidate
    #: (position of the turn, quote)
    evidence: tuple[tuple[int, str], ...]
    #: When the last of these turns was said.
    said_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """A candidate that is not believed."""

    #: Its place in the answer.
    index: int
    #: One of: no_evidence, unknown_turn, quote_not_found, empty_text.
    reason: str


def verify(
    answer: Answer, turns: Sequence[Turn], *, batch_id: UUID, prompt_version: str, model: str
) -> tuple[list[BelievedCandidate], list[Rejection]]:
    """Split the candidates of an answer to `turns` (archived, in order) into the believed and the rejected."""
    believed: list[BelievedCandidate] = []
    rejected: list[Rejection] = []
    normalised = [normalise(turn.content) for turn in turns]
    for index, answered in enumerate(answer.facts):
        candidate = _without_removed(answered, turns)
        reason = _reason_to_reject(candidate, normalised)
        if reason:
            rejected.append(Rejection(index=index, reason=reason))
            continue
        named = [turns[quote.turn - 1] for quote in candidate.evidence]
        believed.append(
            BelievedCandidate(
                fact_id=ids.fact_id(batch_id, prompt_version, model, index),
                candidate=candidate,
                evidence=_positions(candidate.evidence, named),
                said_at=max(turn.occurred_at for turn in named),
            )
        )
    return believed, rejected


def _without_removed(candidate: Candidate, turns: Sequence[Turn]) -> Candidate:
    """Drop the quotes of turns that were taken back: what rests on them alone is left without evidence."""
    kept = tuple(
        quote
        for quote in candidate.evidence
        if not 1 <= quote.turn <= len(turns) or not turns[quote.turn - 1].is_removed
    )
    return candidate if len(kept) == len(candidate.evidence) else candidate.model_copy(update={"evidence": kept})


def normalise(text: str) -> str:
    """Return `text` as quotes are compared: NFKC, straight quotes and dashes, single spaces, case folded."""
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).translate(_STRAIGHT)).strip().casefold()


def _reason_to_reject(candidate: Candidate, normalised: Sequence[str]) -> str | None:
    if not candidate.text.strip():
        return "empty_text"
    if not candidate.evidence:
        return "no_evidence"
    for quote in candidate.evidence:
        if not 1 <= quote.turn <= len(normalised):
            return "unknown_turn"
        wanted = normalise(quote.quote)
        if not wanted or wanted not in normalised[quote.turn - 1]:
            return "quote_not_found"
    return None


def _positions(quotes: Sequence[Quote], named: Sequence[Turn]) -> tuple[tuple[int, str], ...]:
    found: dict[tuple[int, str], None] = {}
    for quote, turn in zip(quotes, named, strict=True):
        assert turn.position is not None, "verification works on archived turns"
        found[turn.position, quote.quote] = None
    return tuple(found)
