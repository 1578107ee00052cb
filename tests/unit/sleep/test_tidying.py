"""Tidying a whole memory, without a database."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

import pytest

from afterturn.consolidation.rules import Names, Relation
from afterturn.sleep.tidying import HeldFact, tidy

SPACE = UUID(int=2)
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def at(day, month=1):
    return datetime(2026, month, day, tzinfo=UTC)


def fact(text, day, *, attribute=None, value=None, subject="Ana", is_protected=False, until=None, seen=1, weight=0.5):
    return HeldFact(
        fact_id=uuid5(SPACE, f"{text}/{day}"),
        text=text,
        subject=subject,
        attribute=attribute,
        value=value,
        said_at=at(day),
        is_protected=is_protected,
        importance=weight,
        times_seen=seen,
        said_valid_to=until,
        recorded_at=at(day),
    )


def tidied(*facts, verdicts=None):
    return tidy(facts, Names(), NOW, verdicts or {})


def ended(tidying):
    return {change.text: (change.because, change.superseded_by) for change in tidying.changes}


def test_a_tidy_memory_is_left_alone():
    assert not tidied(fact("Ana likes tea.", 1), fact("Ana likes coffee.", 2))


def test_a_repetition_is_merged_into_what_was_believed_first():
    first, second = fact("Ana likes tea.", 1), fact("ana likes  TEA.", 2)
    assert ended(tidied(second, first)) == {second.text: ("merged", first.fact_id)}


def test_a_repetition_is_merged_into_what_a_person_entered():
    first, second = fact("Ana likes tea.", 1), fact("ana likes  TEA.", 2, is_protected=True)
    assert ended(tidied(first, second)) == {first.text: ("merged", second.fact_id)}


def test_of_two_values_the_later_one_stays():
    old = fact("Ana lives in Porto.", 1, attribute="lives_in", value="Porto")
    new = fact("Ana lives in Lisbon.", 2, attribute="lives_in", value="Lisbon")
    assert ended(tidied(new, old)) == {old.text: ("newer_value", new.fact_id)}


def test_a_persons_word_stays_against_a_later_one():
    old = fact("Ana lives in Porto.", 1, attribute="lives_in", value="Porto", is_protected=True)
    new = fact("Ana lives in Lisbon.", 2, attribute="lives_in", value="Lisbon")
    assert ended(tidied(new, old)) == {new.text: ("challenge", old.fact_id)}


def test_three_values_leave_one():
    facts = [
        fact(f"Ana lives in {city}.", day, attribute="lives_in", value=city)
        for day, city in enumerate(("Porto", "Lisbon", "Faro"), 1)
    ]
    assert set(ended(tidied(*facts))) == {"Ana lives in Porto.", "Ana lives in Lisbon."}


@pytest.mark.parametrize(
    ("until", "is_past"), [(at(2), True), (at(1), False), (datetime(2026, 7, 1, tzinfo=UTC), False), (None, False)]
)
def test_what_was_to_end_ends_and_what_was_told_as_past_does_not(until, is_past):
    plan = fact("Ana plans to run on 2 January.", 1, until=until)
    assert ended(tidied(plan)) == ({plan.text: ("expired", None)} if is_past else {})


def test_what_a_person_entered_does_not_expire():
    assert not tidied(fact("Ana is away until 2 January.", 1, until=at(2), is_protected=True))


def test_what_recurs_is_promoted_once():
    often = fact("Ana likes tea.", 1, seen=3)
    assert tidied(often).promoted == (often.fact_id,)
    assert not tidied(fact("Ana likes tea.", 1, seen=3, weight=0.7))


def test_the_judge_settles_what_rules_cannot():
    old, new = fact("Ana feels fine.", 1), fact("Ana is ill.", 2)
    verdicts = {frozenset((old.fact_id, new.fact_id)): Relation.REPLACES}
    assert ended(tidied(old, new, verdicts=verdicts)) == {old.text: ("judged", new.fact_id)}


def test_the_judge_merges_nothing_that_differs_in_a_number():
    old, new = fact("Ana ran 10 km.", 1), fact("Ana ran 12 km.", 2)
    assert not tidied(old, new, verdicts={frozenset((old.fact_id, new.fact_id)): Relation.SAME})


def test_a_verdict_on_a_fact_that_is_not_there_any_more_is_passed_over():
    old = fact("Ana feels fine.", 1)
    assert not tidied(old, verdicts={frozenset((old.fact_id, UUID(int=9))): Relation.REPLACES})
