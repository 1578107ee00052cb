"""Who takes the place of a retracted fact: pure decisions."""

from datetime import UTC, datetime
from uuid import UUID

from afterturn.consolidation.retraction import Orphan, Rival, Succession, succeed


def number(value):
    return UUID(int=value)


def year(value):
    return datetime(value, 1, 1, tzinfo=UTC)


def orphan(fact, said, *, heir=None, is_over=False, subject="Ana", attribute="lives_in"):
    return Orphan(
        fact_id=number(fact),
        superseded_by=number(99),
        subject=subject,
        attribute=attribute,
        said_at=year(said),
        is_over=is_over,
        heir_id=None if heir is None else number(heir),
    )


def rival(fact, said, subject="Ana", attribute="lives_in"):
    return Rival(fact_id=number(fact), subject=subject, attribute=attribute, said_at=year(said))


def test_the_next_one_up_the_chain_takes_the_place():
    assert succeed([orphan(1, 2023, heir=3)], []) == [Succession(winner=number(3), losers=(number(1),))]


def test_the_newest_of_several_is_reinstated_and_supersedes_the_others():
    older, newer = orphan(1, 2020), orphan(2, 2023, subject=" ana ")
    assert succeed([older, newer], []) == [Succession(winner=newer, losers=(number(1),))]


def test_a_newer_current_fact_keeps_its_place():
    assert succeed([orphan(1, 2020)], [rival(5, 2024)]) == [Succession(winner=number(5), losers=(number(1),))]


def test_an_older_current_fact_loses_its_place():
    newer = orphan(1, 2024)
    assert succeed([newer], [rival(5, 2020)]) == [Succession(winner=newer, losers=(number(5),))]


def test_another_subject_or_attribute_is_no_rival():
    found = orphan(1, 2020)
    others = [rival(5, 2024, subject="Ben"), rival(6, 2024, attribute="works_at"), rival(7, 2024, subject=None)]
    assert succeed([found], others) == [Succession(winner=found, losers=())]


def test_what_says_itself_that_it_is_over_competes_with_nothing():
    over, still = orphan(1, 2020, is_over=True), orphan(2, 2023)
    assert succeed([over, still], []) == [Succession(winner=over, losers=()), Succession(winner=still, losers=())]
