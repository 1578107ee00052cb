"""Place a candidate in the order of time: it repeats a fact, supersedes older facts, or is superseded by a later one.

A candidate that says the same as a fact repeats it, takes its place, or is united with it (`fusion.py`).

`deciding.py` finds the facts to compare with. A fact that a person entered or pinned is not superseded by an extracted
one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from afterturn import ids
from afterturn.consolidation import fusion, renewals, rules
from afterturn.consolidation.decisions import Decision, Ending, EndReason, KnownFact, Overruled, United
from afterturn.consolidation.fusion import Fusion, Outcome
from afterturn.extraction.verification import VerifiedCandidate
from afterturn.relation import Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A candidate's relations to the facts that are not in its timeline."""

    #: A fact that says the same and all that the candidate says.
    same: KnownFact | None = None
    #: Facts of which the candidate says all, and more.
    refined: Sequence[KnownFact] = ()
    #: A fact that says the same, and the text of both: each says something that the other lacks.
    united: tuple[KnownFact, str] | None = None
    #: Current facts that cannot be current together with the candidate: the one said later is.
    replaceable: Sequence[KnownFact] = ()
    #: Facts that say that what the candidate says is over.
    ended_by: Sequence[KnownFact] = ()
    #: Current facts that the candidate contradicts, without being newer.
    contradicted: Sequence[KnownFact] = ()
    #: Replaceable fact, or one that ends the candidate -> the reason for which one of the two is superseded.
    reasons: Mapping[UUID, EndReason]
    #: The verdicts that guards overruled.
    overruled: Sequence[Overruled] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The place of a candidate in the order of time."""

    #: The value in the timeline that says the same, and what becomes of the two.
    same: KnownFact | None
    fusion: Fusion | None
    #: The facts that it supersedes.
    older: Sequence[KnownFact]
    #: The fact that supersedes it.
    later: KnownFact | None


def find_place(candidate: VerifiedCandidate, timeline: Sequence[KnownFact], comparison: Comparison) -> Placement:
    """Place a candidate by time among the values of its timeline and the facts that it cannot be current with."""
    before = next((fact for fact in reversed(timeline) if fact.said_at <= candidate.said_at), None)
    after = next((fact for fact in timeline if fact.said_at > candidate.said_at), None)
    from_person = is_from_person(candidate)
    older = [
        fact
        for fact in comparison.replaceable
        if from_person or (fact.said_at <= candidate.said_at and not fact.is_protected)
    ]
    replacing = (after, *comparison.replaceable, *comparison.ended_by)
    later_facts = [fact for fact in replacing if fact is not None and fact not in older]
    later = min(later_facts, key=lambda fact: fact.said_at, default=None)
    # A former value with no later value was ended by something else. To say it again is a new fact, not a repetition.
    neighbours = (None if _has_other_value_between(timeline, before, candidate) else before, after)
    repeatable = [
        fact
        for fact in neighbours
        if fact is not None and (fact.is_current or later is not None or was_said_before_replacement(candidate, fact))
    ]
    fused = {fact.fact_id: fuse_values(candidate, fact) for fact in timeline}
    same = next((fact for fact in repeatable if _may_fuse(fact, fused[fact.fact_id])), None)
    # The value just before the candidate, current or not, and every earlier value that is still current.
    earlier_values = [
        fact
        for fact in timeline
        if (fact is before or (fact.is_current and fact.said_at <= candidate.said_at))
        and fused[fact.fact_id].outcome is not Outcome.UNITE
    ]
    return Placement(
        same=same,
        fusion=None if same is None else fused[same.fact_id],
        older=[*earlier_values, *older],
        later=later,
    )


def fuse_values(candidate: VerifiedCandidate, fact: KnownFact) -> Fusion:
    """Return what becomes of a candidate and a fact with the same attribute. Another value, or end, is another fact."""
    has_other_end = renewals.have_other_ends(candidate.content, candidate.times, fact, fact.times)
    if has_other_end or not rules.have_same_value(candidate.content, fact):
        return Fusion(Outcome.SEPARATE)
    is_later = candidate.said_at >= fact.said_at
    return fusion.fuse(fact, candidate.content, Relation.SAME, is_new_later=is_later)


def _may_fuse(fact: KnownFact, fused: Fusion) -> bool:
    """Return whether the candidate may repeat the fact, or take its place. A former fact can only be repeated."""
    return fused.outcome is Outcome.KEEP or (fact.is_current and fused.outcome is not Outcome.SEPARATE)


def make_decision(candidate: VerifiedCandidate, placement: Placement, comparison: Comparison) -> Decision:
    """Return the decision on a candidate from its place in time and its relations to other facts."""
    corrects = candidate.content.corrects

    def reason_for(fact: KnownFact) -> EndReason:
        if is_from_person(candidate):
            return EndReason.PERSON
        return EndReason.CORRECTION if corrects else comparison.reasons.get(fact.fact_id, EndReason.NEWER_VALUE)

    if placement.same is not None and placement.fusion is not None:
        ended = [fact for fact in placement.older if fact.fact_id in comparison.reasons]
        return _fused(candidate, placement.same, placement.fusion, _endings(ended, reason_for), comparison)
    same, later = comparison.same, placement.later
    ended = [fact for fact in placement.older if fact is not same]
    if same is not None:
        return _fused(candidate, same, Fusion(Outcome.KEEP), _endings(ended, reason_for), comparison)
    if not is_from_person(candidate):
        protected = next((fact for fact in comparison.replaceable if fact.is_protected), None)
        if protected is not None:
            return Decision(candidate=candidate, superseded_by=protected.fact_id, ended_because=EndReason.CHALLENGE)
    corrected = max(ended, key=lambda fact: fact.said_at, default=None) if corrects else None
    endings = _endings(ended, reason_for)
    if later is None and comparison.refined:
        return _refined(candidate, comparison.refined, endings, comparison)
    if later is None and comparison.united is not None:
        fact, text = comparison.united
        return _fused(candidate, fact, Fusion(Outcome.UNITE, text=text), endings, comparison)
    return Decision(
        candidate=candidate,
        ends=endings,
        superseded_by=None if later is None else later.fact_id,
        ended_because=None if later is None else comparison.reasons.get(later.fact_id, EndReason.NEWER_VALUE),
        valid_to=None if later is None else _start_of_later(later, candidate),
        valid_from=None if corrected is None else corrected.since,
        contradicts=() if later is not None else _contradicted_ids(comparison, endings),
        overruled=tuple(comparison.overruled),
    )


def _fused(
    candidate: VerifiedCandidate, fact: KnownFact, fused: Fusion, ends: tuple[Ending, ...], comparison: Comparison
) -> Decision:
    """Return the decision on a candidate that says the same as a fact."""
    contradicts = tuple(fact_id for fact_id in _contradicted_ids(comparison, ends) if fact_id != fact.fact_id)
    overruled = tuple(comparison.overruled)
    if fused.outcome is Outcome.TAKE:
        return _refined(candidate, [fact], ends, comparison)
    if fused.outcome is Outcome.UNITE and fused.text is not None:
        united_id = ids.derive_version_id(candidate.fact_id, fact.fact_id)
        return Decision(
            candidate=candidate,
            ends=(*ends, Ending(fact_id=fact.fact_id, because=EndReason.UNITED)),
            superseded_by=united_id,
            ended_because=EndReason.UNITED,
            united=United(fact_id=united_id, text=fused.text, known_id=fact.fact_id),
            contradicts=contradicts,
            overruled=overruled,
        )
    return Decision(candidate=candidate, repeats=fact.fact_id, ends=ends, contradicts=contradicts, overruled=overruled)


def _refined(
    candidate: VerifiedCandidate, refined: Sequence[KnownFact], ends: tuple[Ending, ...], comparison: Comparison
) -> Decision:
    """Return the decision on a candidate that takes the place of poorer wordings."""
    refined_ids = {fact.fact_id for fact in refined}
    taken = tuple(Ending(fact_id=fact.fact_id, because=EndReason.REFINED) for fact in refined)
    others = tuple(ending for ending in ends if ending.fact_id not in refined_ids)
    return Decision(
        candidate=_with_properties(candidate, refined),
        ends=(*others, *taken),
        contradicts=tuple(i for i in _contradicted_ids(comparison, ends) if i not in refined_ids),
        overruled=tuple(comparison.overruled),
    )


def _with_properties(candidate: VerifiedCandidate, refined: Sequence[KnownFact]) -> VerifiedCandidate:
    """Return the candidate with the attribute and the date of the facts whose place it takes, where it has none."""
    content = candidate.content
    missing: dict[str, object] = {}
    with_value = next((fact for fact in refined if rules.has_value(fact)), None)
    if not rules.has_value(content) and with_value is not None:
        missing |= {"subject": with_value.subject, "attribute": with_value.attribute, "value": with_value.value}
    dated = [fact.valid_from for fact in refined if fact.valid_from is not None]
    if content.valid_from is None and dated:
        missing["valid_from"] = min(dated)
    return replace(candidate, content=content.model_copy(update=missing)) if missing else candidate


def _contradicted_ids(comparison: Comparison, ends: Iterable[Ending]) -> tuple[UUID, ...]:
    ended = {ending.fact_id for ending in ends}
    return tuple(fact.fact_id for fact in comparison.contradicted if fact.fact_id not in ended)


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
