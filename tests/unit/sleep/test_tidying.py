"""The plan of tidying a whole memory, without a database."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

import pytest

from afterturn.consolidation import rules
from afterturn.consolidation.rules import UserNames
from afterturn.relation import Relation
from afterturn.sleep import tidying
from afterturn.sleep.tidying import CurrentFact, plan_tidying

NAMESPACE = UUID(int=2)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def at(day, month=1):
    return datetime(2026, month, day, tzinfo=UTC)


def fact(
    text,
    day,
    *,
    attribute=None,
    value=None,
    subject="Ana",
    is_protected=False,
    until=None,
    seen=1,
    weight=0.5,
    life=None,
):
    return CurrentFact(
        fact_id=uuid5(NAMESPACE, f"{text}/{day}"),
        text=text,
        subject=subject,
        attribute=attribute,
        value=value,
        life=life,
        said_at=at(day),
        is_protected=is_protected,
        importance=weight,
        times_seen=seen,
        said_valid_to=until,
        recorded_at=at(day),
    )


def plan(*facts, verdicts=None):
    return plan_tidying(facts, UserNames(), NOW, verdicts or {})


def ended(tidying_plan):
    return {fact.text: (fact.reason, fact.superseded_by) for fact in tidying_plan.ended_facts}


def test_a_tidy_memory_is_not_changed():
    assert not plan(fact("Ana likes tea.", 1), fact("Ana likes coffee.", 2))


def test_a_repeated_fact_is_merged_into_the_earlier_one():
    first, second = fact("Ana likes tea.", 1), fact("ana likes  TEA.", 2)
    assert ended(plan(second, first)) == {second.text: ("merged", first.fact_id)}


def test_a_repeated_fact_is_merged_into_the_one_that_a_person_entered():
    first, second = fact("Ana likes tea.", 1), fact("ana likes  TEA.", 2, is_protected=True)
    assert ended(plan(first, second)) == {first.text: ("merged", second.fact_id)}


def test_the_later_of_two_values_stays():
    old = fact("Ana lives in Porto.", 1, attribute="lives_in", value="Porto")
    new = fact("Ana lives in Lisbon.", 2, attribute="lives_in", value="Lisbon")
    assert ended(plan(new, old)) == {old.text: ("newer_value", new.fact_id)}


def test_a_value_that_a_person_entered_stays_against_a_later_one():
    old = fact("Ana lives in Porto.", 1, attribute="lives_in", value="Porto", is_protected=True)
    new = fact("Ana lives in Lisbon.", 2, attribute="lives_in", value="Lisbon")
    assert ended(plan(new, old)) == {new.text: ("challenge", old.fact_id)}


def test_of_three_values_one_stays():
    facts = [
        fact(f"Ana lives in {city}.", day, attribute="lives_in", value=city)
        for day, city in enumerate(("Porto", "Lisbon", "Faro"), 1)
    ]
    assert set(ended(plan(*facts))) == {"Ana lives in Porto.", "Ana lives in Lisbon."}


@pytest.mark.parametrize(
    ("until", "is_past"), [(at(2), True), (at(1), False), (datetime(2026, 7, 1, tzinfo=UTC), False), (None, False)]
)
def test_a_fact_expires_when_its_end_was_in_the_future_and_has_passed(until, is_past):
    planned = fact("Ana plans to run on 2 January.", 1, until=until)
    assert ended(plan(planned)) == ({planned.text: ("expired", None)} if is_past else {})


@pytest.mark.parametrize("life", ["plan", "state", "event"])
def test_plans_and_states_fade_and_events_stay(life):
    assert not plan(fact("Ana is in Rome until 2 January.", 1, until=at(2), life=life))


def test_a_fact_that_a_person_entered_does_not_expire():
    assert not plan(fact("Ana is away until 2 January.", 1, until=at(2), is_protected=True))


def test_a_recurring_fact_is_promoted_once():
    recurring = fact("Ana likes tea.", 1, seen=3)
    assert plan(recurring).promoted_ids == (recurring.fact_id,)
    assert not plan(fact("Ana likes tea.", 1, seen=3, weight=0.7))


def test_the_judge_decides_where_the_rules_cannot():
    old, new = fact("Ana feels fine.", 1), fact("Ana is ill.", 2)
    verdicts = {(new.fact_id, old.fact_id): Relation.REPLACES}
    assert ended(plan(old, new, verdicts=verdicts)) == {old.text: ("judged", new.fact_id)}


def test_facts_that_differ_in_a_number_are_not_merged_by_the_judge():
    old, new = fact("Ana ran 10 km.", 1), fact("Ana ran 12 km.", 2)
    assert not plan(old, new, verdicts={(new.fact_id, old.fact_id): Relation.SAME})


def test_a_verdict_about_an_unknown_fact_is_ignored():
    old = fact("Ana feels fine.", 1)
    assert not plan(old, verdicts={(old.fact_id, UUID(int=9)): Relation.REPLACES})


def test_thousands_of_facts_of_one_attribute_are_not_compared_as_a_square(monkeypatch):
    compared = []
    find_relation = rules.find_relation
    monkeypatch.setattr(rules, "find_relation", lambda *given: compared.append(1) or find_relation(*given))
    monkeypatch.setattr(tidying, "GROUP_WINDOW", 30)
    facts = [fact(f"Ana likes tea No. {number}.", 1 + number % 28, attribute="likes") for number in range(500)]
    plan(*facts)
    assert len(compared) <= 500 * 30
    repeated = [fact("Ana lives in Faro.", day, attribute="lives_in", value="Faro") for day in range(1, 25)]
    assert len(plan(*repeated).ended_facts) == 23


def test_what_happened_before_a_plan_is_not_its_outcome():
    event, later_plan = fact("Ana flew to Rome.", 1, life="event"), fact("Ana plans to fly to Rome.", 9, life="plan")
    verdict = {(later_plan.fact_id, event.fact_id): Relation.SAME}
    found = plan(event, later_plan, verdicts=verdict)
    assert ended(found) == {}
    assert [one.guard for one in found.overruled] == ["order"]


def test_the_later_of_two_ends_of_one_state_stays():
    earlier = fact("Ana works nights.", 1, life="state", until=at(1, 7))
    later = fact("Ana works nights.", 9, life="state", until=at(1, 9))
    assert ended(plan(earlier, later)) == {"Ana works nights.": ("newer_value", later.fact_id)}
