"""Decide for each candidate whether it repeats a fact, supersedes facts, is superseded already, or is new.

Pure functions of the candidates, the known facts and the judge's verdicts. This module finds the facts to compare a
candidate with; `placement.py` makes the decision. Which fact supersedes which depends on the times of their turns, not
on the order in which batches are applied.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from afterturn.candidate import Candidate
from afterturn.consolidation import placement, rules, text_comparison
from afterturn.consolidation.decisions import NO_VERDICTS, Decision, EndReason, KnownFact, Verdicts
from afterturn.consolidation.rules import Relation, UserNames
from afterturn.extraction.verification import VerifiedCandidate, normalise
from afterturn.lives import Life


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
        place = placement.find_place(candidate, timeline, comparison.contradicted)
        decision = placement.make_decision(candidate, place, comparison)
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
        if placement.is_from_person(candidate):
            return []
        timeline = [fact for fact in comparable if self._compete(candidate, fact)]
        if any(fact.is_protected and fact.is_current for fact in timeline):
            return []
        return sorted(timeline, key=lambda fact: (fact.said_at, fact.is_current))

    def _compare(self, candidate: VerifiedCandidate, facts: Sequence[KnownFact]) -> placement.Comparison:
        """Find the facts outside of the timeline that the candidate repeats or contradicts."""
        history = [fact for fact in facts if not fact.is_current]
        # A former fact is repeated only by what was said before it was superseded.
        repeatable = [fact for fact in history if placement.was_said_before_replacement(candidate, fact)]
        repeatable += self._challenges
        same = next((fact for fact in repeatable if self._says_the_same(candidate, fact)), None)
        contradicted = {}
        for fact in [fact for fact in facts if fact.is_current]:
            relation, reason = self._relation(candidate, fact)
            if relation is Relation.SAME:
                same = same or fact
            elif relation is Relation.REPLACES:
                contradicted[fact.fact_id] = (fact, reason)
        return placement.Comparison(
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
            relation = Relation.SAME if placement.has_same_details(content, fact) else Relation.REPLACES
        if relation is None and self._one_ended(candidate, fact):
            relation = Relation.REPLACES
        if relation is not None:
            return relation, EndReason.NEWER_VALUE
        judged = self._verdict(candidate, fact)
        if judged is Relation.SAME and {content.life, fact.life} == {Life.PLAN, Life.EVENT}:
            # What happened is the outcome of the plan.
            judged = Relation.REPLACES
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
            is_protected=fact.is_protected or placement.is_from_person(candidate),
        )


def _is_over(candidate: VerifiedCandidate) -> bool:
    """Return whether the candidate says that its state had ended when it was said. It then competes with no fact."""
    return candidate.content.valid_to is not None and candidate.content.valid_to <= candidate.said_at


def _since(candidate: VerifiedCandidate) -> datetime:
    return candidate.content.valid_from or candidate.said_at


def _differs_in_detail(content: Candidate, fact: KnownFact) -> bool:
    """Return whether candidate and fact are different facts, even if the judge says that they are the same."""
    if normalise(content.text) == normalise(fact.text):
        return rules.are_separate_events(content, fact)
    return text_comparison.differ_in_detail(content.text, fact.text)


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
        life=content.life,
        said_at=candidate.said_at,
        valid_from=content.valid_from or decision.valid_from,
        said_valid_to=content.valid_to,
        is_current=decision.superseded_by is None,
        is_protected=placement.is_from_person(candidate),
    )
