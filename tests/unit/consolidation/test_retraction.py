"""The facts that replace a retracted fact: pure decisions."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from afterturn.consolidation.retraction import CompetingFact, DetachedFact, Replacement, plan_replacements


def number(value):
    return UUID(int=value)


def year(value):
    return datetime(value, 1, 1, tzinfo=UTC)


def detached(fact, said, *, successor=None, is_over=False, subject="Ana", attribute="lives_in", life="lasting"):
    return DetachedFact(
        fact_id=number(fact),
        superseded_by=number(99),
        subject=subject,
        attribute=attribute,
        life=life,
        said_at=year(said),
        is_over=is_over,
        successor_id=None if successor is None else number(successor),
    )


def competing(fact, said, subject="Ana", attribute="lives_in", life="lasting"):
    return CompetingFact(fact_id=number(fact), subject=subject, attribute=attribute, life=life, said_at=year(said))


def test_the_next_fact_of_the_chain_supersedes():
    assert plan_replacements([detached(1, 2023, successor=3)], []) == [
        Replacement(successor=number(3), superseded_ids=(number(1),))
    ]


def test_the_newest_of_several_facts_is_reinstated_and_supersedes_the_others():
    older, newer = detached(1, 2020), detached(2, 2023, subject=" ana ")
    assert plan_replacements([older, newer], []) == [Replacement(successor=newer, superseded_ids=(number(1),))]


def test_a_newer_current_fact_stays_current():
    assert plan_replacements([detached(1, 2020)], [competing(5, 2024)]) == [
        Replacement(successor=number(5), superseded_ids=(number(1),))
    ]


def test_an_older_current_fact_is_superseded():
    newer = detached(1, 2024)
    assert plan_replacements([newer], [competing(5, 2020)]) == [
        Replacement(successor=newer, superseded_ids=(number(5),))
    ]


def test_facts_with_another_subject_or_attribute_do_not_compete():
    found = detached(1, 2020)
    others = [
        competing(5, 2024, subject="Ben"),
        competing(6, 2024, attribute="works_at"),
        competing(7, 2024, subject=None),
    ]
    assert plan_replacements([found], others) == [Replacement(successor=found, superseded_ids=())]


def test_a_fact_that_says_that_it_has_ended_competes_with_no_other():
    over, still = detached(1, 2020, is_over=True), detached(2, 2023)
    assert plan_replacements([over, still], []) == [
        Replacement(successor=over, superseded_ids=()),
        Replacement(successor=still, superseded_ids=()),
    ]


@pytest.mark.parametrize(
    ("attribute", "life"), [("likes", "attitude"), ("plans_to_visit", "plan"), ("looking_for", "state")]
)
def test_facts_of_an_attribute_with_many_values_are_reinstated_side_by_side(attribute, life):
    old = detached(1, 2020, attribute=attribute, life=life)
    assert plan_replacements([old], [competing(5, 2024, attribute=attribute, life=life)]) == [
        Replacement(successor=old, superseded_ids=())
    ]


def test_a_newer_state_of_the_same_matter_stays_current():
    old = detached(1, 2020, attribute="job_search", life="state")
    newer = competing(5, 2024, attribute="job_search", life="state")
    assert plan_replacements([old], [newer]) == [Replacement(successor=number(5), superseded_ids=(number(1),))]
