"""Deciding what becomes of candidates, without a database."""

from datetime import UTC, datetime
from itertools import permutations
from uuid import UUID, uuid5

import pytest

from afterturn.consolidation.decisions import KnownFact, decide
from afterturn.extraction.answer import Candidate, Quote
from afterturn.extraction.verification import BelievedCandidate

SPACE = UUID(int=1)


def at(day):
    return datetime(2026, 1, day, tzinfo=UTC)


def candidate(text, day, *, attribute=None, value=None, subject="Ana", valid_to=None):
    return BelievedCandidate(
        fact_id=uuid5(SPACE, f"{text}/{day}"),
        candidate=Candidate(
            text=text,
            subject=subject,
            attribute=attribute,
            value=value,
            valid_to=valid_to,
            evidence=(Quote(turn=1, quote=text),),
        ),
        evidence=((day, text),),
        said_at=at(day),
    )


def known(text, day, *, attribute=None, value=None, subject="Ana"):
    return KnownFact(
        fact_id=uuid5(SPACE, f"{text}/{day}"),
        text=text,
        subject=subject,
        attribute=attribute,
        value=value,
        said_at=at(day),
    )


def test_something_new_is_added():
    [decision] = decide([candidate("Ana likes tea.", 1)], [])
    assert (decision.repeats, decision.supersedes, decision.superseded_by) == (None, (), None)


def test_the_same_text_is_a_repeat_whatever_its_case_and_spaces():
    old = known("Ana likes tea.", 1)
    [decision] = decide([candidate("ana  LIKES tea.", 2)], [old])
    assert decision.repeats == old.fact_id


def test_the_same_value_in_other_words_is_a_repeat():
    old = known("Ana lives in Porto.", 1, attribute="lives_in", value="Porto")
    [decision] = decide([candidate("Ana has her home in porto.", 2, attribute="lives_in", value="porto")], [old])
    assert decision.repeats == old.fact_id


def test_the_newer_value_supersedes_within_one_batch_too():
    first = candidate("Ana lives in Porto.", 1, attribute="lives_in", value="Porto")
    second = candidate("Ana lives in Lisbon.", 1, attribute="lives_in", value="Lisbon")
    decisions = decide([first, second], [])
    assert decisions[1].supersedes == (first.fact_id,)


@pytest.mark.parametrize(
    ("attribute", "subject", "value"),
    [("speaks", "Ana", "Danish"), ("lives_in", "Ben", "Lisbon"), (None, "Ana", None), ("lives_in", None, "Lisbon")],
)
def test_what_does_not_compete_is_kept_beside(attribute, subject, value):
    old = known("Ana lives in Porto.", 1, attribute="lives_in", value="Porto")
    [decision] = decide([candidate("Another thing.", 2, attribute=attribute, value=value, subject=subject)], [old])
    assert (decision.repeats, decision.supersedes, decision.superseded_by) == (None, (), None)


def test_what_is_over_competes_with_nothing_current():
    old = known("Ana lives in Porto.", 1, attribute="lives_in", value="Porto")
    past = candidate("Ana lived in Rome until 2019.", 2, attribute="lives_in", value="Rome", valid_to=at(1))
    [decision] = decide([past], [old])
    assert decision.supersedes == ()


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_whatever_the_order_of_arrival_the_last_said_is_current(order):
    cities = ["Porto", "Lisbon", "Faro"]
    said = [
        candidate(f"Ana lives in {city}.", day, attribute="lives_in", value=city) for day, city in enumerate(cities, 1)
    ]
    current = {}
    for index in order:
        [decision] = decide([said[index]], current.values())
        for fact_id in decision.supersedes:
            del current[fact_id]
        if decision.superseded_by is None:
            current[decision.believed.fact_id] = known(
                said[index].candidate.text, index + 1, attribute="lives_in", value=cities[index]
            )
    assert [fact.value for fact in current.values()] == ["Faro"]
