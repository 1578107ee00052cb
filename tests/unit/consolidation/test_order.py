"""In any order of arrival the statement said last is current, and each statement is true at the time it was said."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from afterturn.consolidation.deciding import decide
from afterturn.consolidation.decisions import EndReason, KnownFact
from afterturn.relation import Relation
from tests.unit.consolidation.statements import at, candidate, lives

CHAINS = ("AB", "ABC", "ABA", "AAB", "ABB", "ABCD", "ABAC", "ABCA", "AABC", "ABBA", "ABAB", "ABCB")
CITIES = {"A": "Faro", "B": "Braga", "C": "Evora", "D": "Lisbon"}


class AppliedDecisions:
    """Applies decisions in the same way as the database."""

    def __init__(self):
        self.facts: dict[object, KnownFact] = {}
        #: Fact -> when another one superseded it in the world, and why.
        self.ended = {}

    def apply(self, statement, verdicts=()):
        text = statement.content.text
        known = [
            fact for fact in self.facts.values() if fact.is_current or self._is_former_value(fact) or fact.text == text
        ]
        [decision] = decide([statement], known, dict(verdicts))
        since = statement.content.valid_from or statement.said_at
        for ending in decision.ends:
            self._end(ending.fact_id, since, ending.because, statement.said_at)
        if decision.repeats is not None:
            fact = self.facts[decision.repeats]
            first = min(fact.first_said_at or fact.said_at, statement.said_at)
            again = replace(fact, said_at=max(fact.said_at, statement.said_at), first_said_at=first)
            self.facts[decision.repeats] = again
            return
        self.facts[statement.fact_id] = KnownFact(
            fact_id=statement.fact_id,
            text=statement.content.text,
            subject=statement.content.subject,
            attribute=statement.content.attribute,
            value=statement.content.value,
            said_at=statement.said_at,
        )
        if decision.superseded_by is not None:
            by = self.facts[decision.superseded_by]
            self._end(statement.fact_id, decision.valid_to, decision.ended_because, by.said_at)

    def current(self):
        return [fact.text for fact in self.facts.values() if fact.is_current]

    def true_on(self, moment):
        return {
            fact.text
            for fact in self.facts.values()
            if fact.since <= moment and (fact.fact_id not in self.ended or moment < self.ended[fact.fact_id][0])
        }

    def _is_former_value(self, fact):
        return self.ended[fact.fact_id][1] is EndReason.NEWER_VALUE

    def _end(self, fact_id, when, because, replaced_at):
        before = self.ended.get(fact_id, (when, because))
        fact = self.facts[fact_id]
        if when <= before[0]:
            self.facts[fact_id] = replace(fact, is_current=False, replaced_at=replaced_at)
        self.ended[fact_id] = (min(before[0], when), before[1])


@pytest.mark.parametrize("chain", CHAINS)
def test_values_of_one_attribute_in_any_order(chain):
    said = [lives(CITIES[value], day) for day, value in enumerate(chain, start=1)]
    for order in permutations(range(len(said))):
        memory = AppliedDecisions()
        for place in order:
            memory.apply(said[place])
        assert memory.current() == [said[-1].content.text], order
        for statement in said:
            assert statement.content.text in memory.true_on(statement.said_at), (order, statement.said_at)
        assert memory.true_on(at(31)) == {said[-1].content.text}, order


@pytest.mark.parametrize("chain", ["AB", "ABC", "ABCD"])
def test_judged_statements_in_any_order(chain):
    """The judge always says that one of two statements replaces the other."""
    said = [candidate(f"Ana is at {CITIES[value]}.", day) for day, value in enumerate(chain, start=1)]
    verdicts = {(one.fact_id, other.fact_id): Relation.REPLACES for one in said for other in said if one is not other}
    for order in permutations(range(len(said))):
        memory = AppliedDecisions()
        for place in order:
            memory.apply(said[place], verdicts)
        assert memory.current() == [said[-1].content.text], order
        for statement in said:
            assert statement.content.text in memory.true_on(statement.said_at), (order, statement.said_at)
        assert memory.true_on(at(31)) == {said[-1].content.text}, order


def test_opposites_in_any_order():
    tea = [
        candidate("Ana likes tea.", 1, attribute="likes", value="tea"),
        candidate("Ana dislikes tea.", 2, attribute="dislikes", value="tea"),
        candidate("Ana loves tea.", 3, attribute="loves", value="tea"),
    ]
    for order in permutations(tea[:2]):
        memory = AppliedDecisions()
        for statement in order:
            memory.apply(statement)
        assert memory.current() == ["Ana dislikes tea."]
    memory = AppliedDecisions()
    for statement in tea:
        memory.apply(statement)
    assert memory.current() == ["Ana loves tea."]
