"""Decide what becomes of candidates: each repeats a fact, supersedes facts, is superseded already, or is simply new.

Pure functions of the candidates, the known facts and the judge's verdicts. Which fact supersedes which depends on the
times of their turns, not on the order in which batches are applied. A fact that a person entered or pinned is not
superseded by an extracted one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from afterturn.candidate import Candidate
from afterturn.consolidation import rules, text_comparison
from afterturn.consolidation.decisions import NO_VERDICTS, Decision, Ending, EndReason, KnownFact, Verdicts
from afterturn.consolidation.rules import Relation, UserNames
from afterturn.extraction.verification import VerifiedCandidate, normalise


def decide(
    candidates: Sequence[VerifiedCandidate],
    known: Iterable[KnownFact],
    verdicts: Verdicts = NO_VERDICTS,
    names: UserNames | None = None,
) -> list[Decision]:
    """Return one decision per candidate, in order. Each is compared with the results of the candidates before it.

    Args:
        candidates: what a batch says.
        known: the facts to compare with.
        verdicts: what the judge said of pairs that rules cannot decide on.
        names: the names of the user.
    """
    decider = _Decider(known, verdicts, names or UserNames())
    return [decider.decide_next(candidate) for candidate in candidates]


class _Decider:
    def __init__(self, known: Iterable[KnownFact], verdicts: Verdicts, names: UserNames) -> None:
        facts = list(known)
        self._facts: dict[UUID, KnownFact] = {}
        #: The order in which these facts became known; which of them have a text, as it is compared; and which have a
        #: value.
        self._order: dict[UUID, int] = {}
        self._by_text: dict[str, set[UUID]] = defaultdict(set)
        self._with_value: set[UUID] = set()
        for fact in facts:
            if not fact.is_challenge:
                self._add(fact)
        self._verdicts = verdicts
        #: The statements with which the judge has compared a statement.
        self._judged_with: dict[UUID, set[UUID]] = defaultdict(set)
        for one, other in map(tuple, verdicts):
            self._judged_with[one].add(other)
            self._judged_with[other].add(one)
        self._names = names
        #: Fact -> the candidates that repeat it: a verdict on one of them is a verdict on the fact.
        self._repeated_by: dict[UUID, list[UUID]] = defaultdict(list)
        #: The same, from the candidate to the fact.
        self._represented_by: dict[UUID, UUID] = {}
        #: Statements that contradict a person's fact. A repetition of one is the same challenge.
        self._challenges = [fact for fact in facts if fact.is_challenge]

    def decide_next(self, candidate: VerifiedCandidate) -> Decision:
        comparable = self._comparable_facts(candidate)
        timeline = self._timeline(candidate, comparable)
        comparison = self._compare(candidate, [fact for fact in comparable if fact not in timeline])
        decision = _make_decision(candidate, _place(candidate, timeline, comparison.contradicted), comparison)
        self._remember(decision)
        return decision

    def _comparable_facts(self, candidate: VerifiedCandidate) -> list[KnownFact]:
        """Return the facts to which the rules or a verdict can relate the candidate. Most facts are not among them."""
        content = candidate.content
        fact_ids = set(self._by_text.get(normalise(content.text), ()))
        if rules.has_value(content):
            fact_ids |= self._with_value
        for judged_id in self._judged_with.get(candidate.fact_id, ()):
            fact_ids.add(self._represented_by.get(judged_id, judged_id))
        known_ids = sorted(fact_ids & self._order.keys(), key=self._order.__getitem__)
        return [self._facts[fact_id] for fact_id in known_ids]

    def _add(self, fact: KnownFact) -> None:
        self._facts[fact.fact_id] = fact
        self._order[fact.fact_id] = len(self._order)
        self._by_text[normalise(fact.text)].add(fact.fact_id)
        if rules.has_value(fact):
            self._with_value.add(fact.fact_id)

    def _timeline(self, candidate: VerifiedCandidate, comparable: Sequence[KnownFact]) -> list[KnownFact]:
        """Return the values that the candidate's single-valued attribute has had, in the order of time.

        Empty if no fact competes with the candidate, if a person entered the candidate, or if a current value is
        protected: facts of persons are not compared by time.
        """
        if _is_from_person(candidate):
            return []
        timeline = [fact for fact in comparable if self._compete(candidate, fact)]
        if any(fact.is_protected and fact.is_current for fact in timeline):
            return []
        return sorted(timeline, key=lambda fact: (fact.said_at, fact.is_current))

    def _compare(self, candidate: VerifiedCandidate, facts: Sequence[KnownFact]) -> _Comparison:
        """Find the facts outside of the timeline that the candidate repeats or contradicts."""
        history = [fact for fact in facts if not fact.is_current]
        # A former fact is repeated only by what was said before it was superseded.
        repeatable = [fact for fact in history if _was_said_before_replacement(candidate, fact)] + self._challenges
        same = next((fact for fact in repeatable if self._says_the_same(candidate, fact)), None)
        contradicted = {}
        for fact in [fact for fact in facts if fact.is_current]:
            relation, reason = self._relation(candidate, fact)
            if relation is Relation.SAME:
                same = same or fact
            elif relation is Relation.REPLACES:
                contradicted[fact.fact_id] = (fact, reason)
        return _Comparison(
            same=same,
            contradicted=[fact for fact, _ in contradicted.values()],
            reasons={fact_id: reason for fact_id, (_, reason) in contradicted.items()},
        )

    def _relation(self, candidate: VerifiedCandidate, fact: KnownFact) -> tuple[Relation | None, EndReason]:
        """Return the relation of a candidate to a current fact, and the reason for which it would supersede it."""
        content = candidate.content
        relation = rules.find_relation(content, fact, self._names)
        if relation is not Relation.SAME and self._compete(candidate, fact):
            # Competing values are outside of a timeline only if one of them comes from a person.
            relation = Relation.SAME if _has_same_details(content, fact) else Relation.REPLACES
        if relation is None and self._one_ended(candidate, fact):
            relation = Relation.REPLACES
        if relation is not None:
            return relation, EndReason.NEWER_VALUE
        judged = self._verdict(candidate, fact)
        if judged is Relation.SAME and _differs_in_detail(content, fact):
            judged = None
        return judged, EndReason.JUDGED

    def _compete(self, candidate: VerifiedCandidate, fact: KnownFact) -> bool:
        is_over = _is_over(candidate) or fact.is_over
        return not is_over and rules.are_competing_values(candidate.content, fact, self._names)

    def _one_ended(self, candidate: VerifiedCandidate, fact: KnownFact) -> bool:
        """Return whether one says when the other's state ended, and the other's state began before that time."""
        content = candidate.content
        if content.valid_to is not None and rules.states_end_of(content, fact, self._names):
            return fact.since < content.valid_to
        if fact.said_valid_to is not None and rules.states_end_of(fact, content, self._names):
            return _since(candidate) < fact.said_valid_to
        return False

    def _says_the_same(self, candidate: VerifiedCandidate, fact: KnownFact) -> bool:
        return rules.find_relation(candidate.content, fact, self._names) is Relation.SAME

    def _verdict(self, candidate: VerifiedCandidate, fact: KnownFact) -> Relation | None:
        for fact_id in (fact.fact_id, *self._repeated_by.get(fact.fact_id, ())):
            if verdict := self._verdicts.get(frozenset((candidate.fact_id, fact_id))):
                return verdict
        return None

    def _remember(self, decision: Decision) -> None:
        """Update the known facts, so that the next candidates are compared with the result of this decision."""
        candidate = decision.candidate
        for ending in decision.ends:
            fact = self._facts[ending.fact_id]
            self._facts[ending.fact_id] = replace(fact, is_current=False, replaced_at=candidate.said_at)
        if decision.ended_because is EndReason.CHALLENGE:
            self._challenges.append(_to_known_fact(decision))
        elif decision.repeats is None:
            later = decision.superseded_by and self._facts[decision.superseded_by]
            replaced_at = later.said_at if later else None
            self._add(replace(_to_known_fact(decision), replaced_at=replaced_at))
        elif decision.repeats in self._facts:
            self._remember_repetition(self._facts[decision.repeats], candidate)

    def _remember_repetition(self, fact: KnownFact, candidate: VerifiedCandidate) -> None:
        self._repeated_by[fact.fact_id].append(candidate.fact_id)
        self._represented_by[candidate.fact_id] = fact.fact_id
        self._facts[fact.fact_id] = replace(
            fact,
            said_at=max(fact.said_at, candidate.said_at),
            first_said_at=min(fact.first_said_at or fact.said_at, candidate.said_at),
            is_protected=fact.is_protected or _is_from_person(candidate),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparison:
    """A candidate's relations to the facts that are not in its timeline."""

    #: A fact that says the same.
    same: KnownFact | None
    #: Current facts that cannot be true together with the candidate.
    contradicted: Sequence[KnownFact]
    #: Contradicted fact -> the reason for which the candidate would supersede it.
    reasons: Mapping[UUID, EndReason]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placement:
    """The place of a candidate in the order of time."""

    #: The value in the timeline that it repeats.
    same: KnownFact | None
    #: The facts that it supersedes.
    older: Sequence[KnownFact]
    #: The fact that supersedes it.
    later: KnownFact | None


def _place(
    candidate: VerifiedCandidate, timeline: Sequence[KnownFact], contradicted: Sequence[KnownFact]
) -> _Placement:
    """Place a candidate by time among the values of its timeline and the facts that it contradicts."""
    before = next((fact for fact in reversed(timeline) if fact.said_at <= candidate.said_at), None)
    after = next((fact for fact in timeline if fact.said_at > candidate.said_at), None)
    is_from_person = _is_from_person(candidate)
    older = [
        fact for fact in contradicted if is_from_person or (fact.said_at <= candidate.said_at and not fact.is_protected)
    ]
    later_facts = [fact for fact in (after, *contradicted) if fact is not None and fact not in older]
    later = min(later_facts, key=lambda fact: fact.said_at, default=None)
    # A former value with no later value was ended by something else. To say it again is a new fact, not a repetition.
    neighbours = (None if _has_other_value_between(timeline, before, candidate) else before, after)
    repeatable = [
        fact
        for fact in neighbours
        if fact is not None and (fact.is_current or later is not None or _was_said_before_replacement(candidate, fact))
    ]
    # The value just before the candidate, current or not, and every earlier value that is still current.
    earlier_values = [
        fact for fact in timeline if fact is before or (fact.is_current and fact.said_at <= candidate.said_at)
    ]
    return _Placement(
        same=next((fact for fact in repeatable if _has_same_details(candidate.content, fact)), None),
        older=[*earlier_values, *older],
        later=later,
    )


def _make_decision(candidate: VerifiedCandidate, placement: _Placement, comparison: _Comparison) -> Decision:
    corrects = candidate.content.corrects

    def reason_for(fact: KnownFact) -> EndReason:
        if _is_from_person(candidate):
            return EndReason.PERSON
        return EndReason.CORRECTION if corrects else comparison.reasons.get(fact.fact_id, EndReason.NEWER_VALUE)

    if placement.same is not None:
        ended = [fact for fact in placement.older if fact.fact_id in comparison.reasons]
        return Decision(candidate=candidate, repeats=placement.same.fact_id, ends=_endings(ended, reason_for))
    same, later = comparison.same, placement.later
    ended = [fact for fact in placement.older if fact is not same]
    if same is not None:
        return Decision(candidate=candidate, repeats=same.fact_id, ends=_endings(ended, reason_for))
    if not _is_from_person(candidate):
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


def _was_said_before_replacement(candidate: VerifiedCandidate, fact: KnownFact) -> bool:
    return fact.replaced_at is not None and candidate.said_at < fact.replaced_at


def _start_of_later(later: KnownFact, candidate: VerifiedCandidate) -> datetime:
    """Return since when the superseding fact holds: not before the candidate was said, unless the fact says so."""
    if later.valid_from is not None or later.since > candidate.said_at:
        return later.since
    return later.said_at


def _is_over(candidate: VerifiedCandidate) -> bool:
    """Return whether the candidate says that its state had ended when it was said. It then competes with no fact."""
    return candidate.content.valid_to is not None and candidate.content.valid_to <= candidate.said_at


def _is_from_person(candidate: VerifiedCandidate) -> bool:
    return candidate.origin == "person"


def _since(candidate: VerifiedCandidate) -> datetime:
    return candidate.content.valid_from or candidate.said_at


def _differs_in_detail(content: Candidate, fact: KnownFact) -> bool:
    """Return whether candidate and fact are different facts, even if the judge says that they are the same."""
    if normalise(content.text) == normalise(fact.text):
        return rules.are_separate_events(content, fact)
    return text_comparison.differ_in_detail(content.text, fact.text)


def _has_same_details(content: Candidate, fact: KnownFact) -> bool:
    """Return whether the candidate has the fact's value and does not differ from it in a detail."""
    same_value = rules.have_same_value(content, fact)
    return same_value and not text_comparison.differ_in_detail(content.text, fact.text)


def _to_known_fact(decision: Decision) -> KnownFact:
    candidate = decision.candidate
    content = candidate.content
    return KnownFact(
        fact_id=candidate.fact_id,
        text=content.text,
        category=content.category,
        subject=content.subject,
        attribute=content.attribute,
        value=content.value,
        said_at=candidate.said_at,
        valid_from=content.valid_from or decision.valid_from,
        said_valid_to=content.valid_to,
        is_current=decision.superseded_by is None,
        is_protected=_is_from_person(candidate),
    )
