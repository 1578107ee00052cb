"""Decide for each candidate whether it repeats a fact, supersedes facts, is superseded already, or is new.

Pure functions of the candidates, the known facts and the judge's verdicts. This module finds the facts to compare a
candidate with; `placement.py` makes the decision. Which fact supersedes which depends on the times of their turns, not
on the order in which batches are applied.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from afterturn.consolidation import placement, renewals, rules
from afterturn.consolidation.decisions import NO_VERDICTS, Decision, EndReason, KnownFact, United, Verdicts
from afterturn.consolidation.relations import Relations
from afterturn.consolidation.rules import UserNames
from afterturn.extraction.verification import VerifiedCandidate, normalise
from afterturn.lives import Life
from afterturn.relation import Relation


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
        #: Text, as it is compared -> the fact that says it in other words: what said it was merged into that one.
        self._lives_on: dict[str, UUID] = {}
        for fact in facts:
            if fact.lives_on_in is not None:
                self._lives_on[normalise(fact.text)] = fact.lives_on_in
            elif not fact.is_challenge:
                self._add(fact)
        self._verdicts = verdicts
        #: The statements with which the judge has compared a statement.
        self._judged_with: dict[UUID, set[UUID]] = defaultdict(set)
        for one, other in verdicts:
            self._judged_with[one].add(other)
            self._judged_with[other].add(one)
        self._names = names
        #: Fact -> the statements that it represents: candidates that repeat it, facts whose place it takes. A verdict
        #: on one of them is a verdict on the fact.
        self._repeated_by: dict[UUID, list[UUID]] = defaultdict(list)
        #: The same, from the statement to the fact.
        self._represented_by: dict[UUID, UUID] = {}
        #: Statements that contradict a person's fact. A repetition of one is the same challenge.
        self._challenges = [fact for fact in facts if fact.is_challenge]

    def decide_next(self, candidate: VerifiedCandidate) -> Decision:
        comparable = self._comparable_facts(candidate)
        timeline = self._timeline(candidate, comparable)
        comparison = self._compare(candidate, [fact for fact in comparable if fact not in timeline])
        place = placement.find_place(candidate, timeline, comparison)
        decision = placement.make_decision(candidate, place, comparison)
        self._remember(decision)
        return decision

    def _comparable_facts(self, candidate: VerifiedCandidate) -> list[KnownFact]:
        """Return the facts to which the rules or a verdict can relate the candidate. Most facts are not among them."""
        content = candidate.content
        text = normalise(content.text)
        fact_ids = set(self._by_text.get(text, ()))
        if text in self._lives_on:
            fact_ids.add(self._representative(self._lives_on[text]))
        if rules.has_value(content):
            fact_ids |= self._with_value
        for judged_id in self._judged_with.get(candidate.fact_id, ()):
            fact_ids.add(self._representative(judged_id))
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
        """Find the facts outside of the timeline to which the candidate has a relation."""
        history = [fact for fact in facts if not fact.is_current]
        # A former fact is repeated only by what was said before it was superseded.
        repeatable = [fact for fact in history if placement.was_said_before_replacement(candidate, fact)]
        repeatable += self._challenges
        same = next((fact for fact in repeatable if self._says_the_same(candidate, fact)), None)
        found = Relations(candidate, same)
        for fact in facts:
            if fact.is_current:
                self._relate(found, fact)
        return found.as_comparison()

    def _relate(self, found: Relations, fact: KnownFact) -> None:
        """Add the relation of the candidate to a current fact: that of the rules, or else the verdict."""
        candidate = found.candidate
        relation = self._relation_by_rules(candidate, fact)
        if relation is Relation.REPLACES:
            found.add_replaceable(fact, EndReason.NEWER_VALUE)
        elif relation is Relation.SAME:
            found.add_fused(fact, relation)
        elif self._compete(candidate, fact):
            # Competing values are outside of a timeline only if one of them comes from a person.
            found.add_competing(fact)
        else:
            self._relate_by_verdict(found, fact)

    def _relation_by_rules(self, candidate: VerifiedCandidate, fact: KnownFact) -> Relation | None:
        if renewals.have_other_ends(candidate.content, candidate.times, fact, fact.times):
            return Relation.REPLACES
        relation = rules.find_relation(candidate.content, fact, self._names)
        lives_on_in = self._lives_on.get(normalise(candidate.content.text))
        if relation is None and lives_on_in is not None and self._representative(lives_on_in) == fact.fact_id:
            return Relation.SAME
        if relation is None and not self._compete(candidate, fact) and self._one_ended(candidate, fact):
            return Relation.REPLACES
        return relation

    def _relate_by_verdict(self, found: Relations, fact: KnownFact) -> None:
        of_candidate, of_fact = self._verdicts_on(found.candidate, fact)
        if of_candidate is Relation.ENDS:
            found.add_ended(fact)
        elif of_fact is Relation.ENDS:
            found.add_ended_by(fact)
        elif Relation.CONTRADICTS in (of_candidate, of_fact):
            found.add_contradicted(fact)
        elif Relation.REPLACES in (of_candidate, of_fact):
            found.add_replaceable(fact, EndReason.JUDGED)
        elif (of_candidate or of_fact) and {found.candidate.content.life, fact.life} == {Life.PLAN, Life.EVENT}:
            found.add_outcome(fact, of_candidate or of_fact or Relation.SAME)
        elif of_candidate is not None:
            found.add_fused(fact, of_candidate)
        elif of_fact is not None:
            # The known one says all that the candidate says, or both say the same.
            found.add_fused(fact, Relation.SAME)

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

    def _verdicts_on(self, candidate: VerifiedCandidate, fact: KnownFact) -> tuple[Relation | None, Relation | None]:
        """Return the verdict of the candidate on the fact, and that of the fact on the candidate; one is None."""
        for fact_id in self._represented(fact.fact_id):
            of_candidate = self._verdicts.get((candidate.fact_id, fact_id))
            of_fact = self._verdicts.get((fact_id, candidate.fact_id))
            if of_candidate or of_fact:
                return of_candidate, of_fact
        return None, None

    def _represented(self, fact_id: UUID) -> Iterator[UUID]:
        """Yield a fact and all statements that it represents, also by facts whose place it has taken."""
        yield fact_id
        for represented_id in self._repeated_by.get(fact_id, ()):
            yield from self._represented(represented_id)

    def _representative(self, statement_id: UUID) -> UUID:
        while statement_id in self._represented_by:
            statement_id = self._represented_by[statement_id]
        return statement_id

    def _represent(self, statement_id: UUID, by: UUID) -> None:
        if statement_id in self._facts:
            self._lives_on[normalise(self._facts[statement_id].text)] = by
        self._repeated_by[by].append(statement_id)
        self._represented_by[statement_id] = by

    def _remember(self, decision: Decision) -> None:
        """Update the known facts, so that the next candidates are compared with the result of this decision."""
        candidate = decision.candidate
        for ending in decision.ends:
            fact = self._facts[ending.fact_id]
            self._facts[ending.fact_id] = replace(fact, is_current=False, replaced_at=candidate.said_at)
        if decision.united is not None:
            self._remember_united(decision, decision.united)
        elif decision.ended_because is EndReason.CHALLENGE:
            self._challenges.append(_to_known_fact(decision))
        elif decision.repeats is None:
            later = self._facts.get(decision.superseded_by) if decision.superseded_by else None
            replaced_at = later.said_at if later else None
            self._add(replace(_to_known_fact(decision), replaced_at=replaced_at))
            for ending in decision.ends:
                if ending.because is EndReason.REFINED:
                    self._represent(ending.fact_id, by=candidate.fact_id)
        elif decision.repeats in self._facts:
            self._remember_repetition(self._facts[decision.repeats], candidate)

    def _remember_united(self, decision: Decision, united: United) -> None:
        candidate, known = decision.candidate, self._facts[united.known_id]
        new = _to_known_fact(decision)
        has_value = rules.has_value(new)
        self._add(
            replace(
                new,
                fact_id=united.fact_id,
                text=united.text,
                subject=new.subject if has_value else known.subject,
                attribute=new.attribute if has_value else known.attribute,
                value=new.value if has_value else known.value,
                said_at=max(known.said_at, candidate.said_at),
                first_said_at=min(known.first_said_at or known.said_at, candidate.said_at),
                valid_from=new.valid_from or known.valid_from,
                said_valid_to=new.said_valid_to or known.said_valid_to,
                is_current=True,
            )
        )
        self._represent(candidate.fact_id, by=united.fact_id)
        self._represent(known.fact_id, by=united.fact_id)

    def _remember_repetition(self, fact: KnownFact, candidate: VerifiedCandidate) -> None:
        self._represent(candidate.fact_id, by=fact.fact_id)
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
