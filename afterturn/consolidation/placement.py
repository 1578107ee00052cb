"""Place a candidate in the order of time: it repeats a fact, supersedes older facts, or is superseded by a later one.

`deciding.py` finds the facts to compare with. A fact that a person entered or pinned is not superseded by an extracted
one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from afterturn.candidate import Candidate
from afterturn.consolidation import rules, text_comparison
from afterturn.consolidation.decisions import Decision, Ending, EndReason, KnownFact
from afterturn.extraction.verification import VerifiedCandidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A candidate's relations to the facts that are not in its timeline."""

    #: A fact that says the same.
    same: KnownFact | None
    #: Current facts that cannot be true together with the candidate.
    contradicted: Sequence[KnownFact]
    #: Contradicted fact -> the reason for which the candidate would supersede it.
    reasons: Mapping[UUID, EndReason]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The place of a candidate in the order of time."""

    #: The value in the timeline that it repeats.
    same: KnownFact | None
    #: The facts that it supersedes.
    older: Sequence[KnownFact]
    #: The fact that supersedes it.
    later: KnownFact | None


def find_place(
    candidate: VerifiedCandidate, timeline: Sequence[KnownFact], contradicted: Sequence[KnownFact]
) -> Placement:
    """Place a candidate by time among the values of its timeline and the facts that it contradicts."""
    before = next((fact for fact in reversed(timeline) if fact.said_at <= candidate.said_at), None)
    after = next((fact for fact in timeline if fact.said_at > candidate.said_at), None)
    from_person = is_from_person(candidate)
    older = [
        fact for fact in contradicted if from_person or (fact.said_at <= candidate.said_at and not fact.is_protected)
    ]
    later_facts = [fact for fact in (after, *contradicted) if fact is not None and fact not in older]
    later = min(later_facts, key=lambda fact: fact.said_at, default=None)
    # A former value with no later value was ended by something else. To say it again is a new fact, not a repetition.
    neighbours = (None if _has_other_value_between(timeline, before, candidate) else before, after)
    repeatable = [
        fact
        for fact in neighbours
        if fact is not None and (fact.is_current or later is not None or was_said_before_replacement(candidate, fact))
    ]
    # The value just before the candidate, current or not, and every earlier value that is still current.
    earlier_values = [
        fact for fact in timeline if fact is before or (fact.is_current and fact.said_at <= candidate.said_at)
    ]
    return Placement(
        same=next((fact for fact in repeatable if has_same_details(candidate.content, fact)), None),
        older=[*earlier_values, *older],
        later=later,
    )


def make_decision(candidate: VerifiedCandidate, placement: Placement, comparison: Comparison) -> Decision:
    """Return the decision on a candidate from its place in time and its relations to other facts."""
    corrects = candidate.content.corrects

    def reason_for(fact: KnownFact) -> EndReason:
        if is_from_person(candidate):
            return EndReason.PERSON
        return EndReason.CORRECTION if corrects else comparison.reasons.get(fact.fact_id, EndReason.NEWER_VALUE)

    if placement.same is not None:
        ended = [fact for fact in placement.older if fact.fact_id in comparison.reasons]
        return Decision(candidate=candidate, repeats=placement.same.fact_id, ends=_endings(ended, reason_for))
    same, later = comparison.same, placement.later
    ended = [fact for fact in placement.older if fact is not same]
    if same is not None:
        return Decision(candidate=candidate, repeats=same.fact_id, ends=_endings(ended, reason_for))
    if not is_from_person(candidate):
        protected = next((fact for fact in comparison.contradicted if fact.is_protected), None)
        if protected is not None:
            return Decision(candidate=candidate, superseded_by=protected.fact_id, ended_because=EndReason.CHALLENGE)
    corrected = max(ended, key=lambda fact: fact.said_at, default=None) if corrects else None
    return Decision(
        candidate=candidate,
        ends=_endings(ended, reason_for),
        superseded_by=None if later is None else later.fact_id,
        ended_because=None if later is None else comparison.reasons.get(later.fact_id, EndReason.NEWER_VALUE),
        valid_to=None if later is None else _start_of_later(later, candidate),
        valid_from=None if corrected is None else corrected.since,
    )


def _endings(facts: Iterable[KnownFact], reason_for: Callable[[KnownFact], EndReason]) -> tuple[Ending, ...]:
    return tuple(Ending(fact_id=fact.fact_id, because=reason_for(fact)) for fact in facts)


def _has_other_value_between(
    timeline: Sequence[KnownFact], before: KnownFact | None, candidate: VerifiedCandidate
) -> bool:
    """Return whether another value was said first between `before` and the candidate, and last after the candidate."""
    return before is not None and any(
        before.said_at < (fact.first_said_at or fact.said_at) <= candidate.said_at < fact.said_at for fact in timeline
    )


def was_said_before_replacement(candidate: VerifiedCandidate, fact: KnownFact) -> bool:
    """Return whether the candidate was said before the fact was superseded."""
    return fact.replaced_at is not None and candidate.said_at < fact.replaced_at


def _start_of_later(later: KnownFact, candidate: VerifiedCandidate) -> datetime:
    """Return when the superseding fact begins: not before the candidate was said, unless the fact says so."""
    if later.valid_from is not None or later.since > candidate.said_at:
        return later.since
    return later.said_at


def is_from_person(candidate: VerifiedCandidate) -> bool:
    """Return whether a person entered the candidate."""
    return candidate.origin == "person"


def has_same_details(content: Candidate, fact: KnownFact) -> bool:
    """Return whether the candidate has the fact's value and does not differ from it in a detail."""
    same_value = rules.have_same_value(content, fact)
    return same_value and not text_comparison.differ_in_detail(content.text, fact.text)
