"""Deciding: each candidate repeats a current fact, supersedes some, was superseded before it came, or is simply new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from afterturn.consolidation import attributes
from afterturn.extraction.verification import BelievedCandidate, normalise


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFact:
    """What deciding needs to know of a current fact."""

    fact_id: UUID
    text: str
    subject: str | None
    attribute: str | None
    value: str | None
    #: When the last turn that says it was said.
    said_at: datetime
    valid_from: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of one candidate."""

    believed: BelievedCandidate
    #: The current fact that it says again; it then adds evidence only.
    repeats: UUID | None = None
    #: The current facts that it replaces.
    supersedes: tuple[UUID, ...] = ()
    #: The newer fact that replaces it: what it says is history already when it comes.
    superseded_by: UUID | None = None
    #: When that newer value began, in the world.
    valid_to: datetime | None = None


def decide(candidates: Sequence[BelievedCandidate], known: Iterable[KnownFact]) -> list[Decision]:
    """Return one decision per candidate, in order; each sees what the ones before it made current.

    What supersedes what follows from when the turns were said, not from the order in which batches are applied.
    """
    current = {fact.fact_id: fact for fact in known}
    decisions = []
    for believed in candidates:
        decision = _decide_one(believed, current.values())
        decisions.append(decision)
        for fact_id in decision.supersedes:
            del current[fact_id]
        if decision.repeats is not None:
            repeated = current[decision.repeats]
            current[decision.repeats] = replace(repeated, said_at=max(repeated.said_at, believed.said_at))
        elif decision.superseded_by is None:
            current[believed.fact_id] = _as_known(believed)
    return decisions


def _decide_one(believed: BelievedCandidate, current: Iterable[KnownFact]) -> Decision:
    alike = [fact for fact in current if _is_about_the_same(believed, fact)]
    for fact in alike:
        if _says_the_same(believed, fact):
            return Decision(believed=believed, repeats=fact.fact_id)
    newer = [fact for fact in alike if fact.said_at > believed.said_at]
    if newer:
        first = min(newer, key=lambda fact: fact.said_at)
        return Decision(believed=believed, superseded_by=first.fact_id, valid_to=first.valid_from or first.said_at)
    return Decision(believed=believed, supersedes=tuple(fact.fact_id for fact in alike))


def _is_about_the_same(believed: BelievedCandidate, fact: KnownFact) -> bool:
    """Whether both say the same, or give the one value of the same attribute of the same subject."""
    candidate = believed.candidate
    if normalise(candidate.text) == normalise(fact.text):
        return True
    if candidate.attribute is None or candidate.subject is None or candidate.value is None:
        return False
    if fact.attribute != candidate.attribute or fact.subject is None or fact.value is None:
        return False
    if candidate.valid_to is not None:
        # It says itself that it is over: it competes with nothing that is current.
        return False
    return attributes.is_single_valued(candidate.attribute) and normalise(fact.subject) == normalise(candidate.subject)


def _says_the_same(believed: BelievedCandidate, fact: KnownFact) -> bool:
    candidate = believed.candidate
    if normalise(candidate.text) == normalise(fact.text):
        return True
    assert candidate.value is not None and fact.value is not None, "they share an attribute that has a value"
    return normalise(candidate.value) == normalise(fact.value)


def _as_known(believed: BelievedCandidate) -> KnownFact:
    candidate = believed.candidate
    return KnownFact(
        fact_id=believed.fact_id,
        text=candidate.text,
        subject=candidate.subject,
        attribute=candidate.attribute,
        value=candidate.value,
        said_at=believed.said_at,
        valid_from=candidate.valid_from,
    )
