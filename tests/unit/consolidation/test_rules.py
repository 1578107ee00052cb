"""What rules can say of two statements without asking anybody."""

import pytest

from afterturn.consolidation import attributes, rules
from afterturn.consolidation.rules import Names, Relation
from tests.unit.consolidation.statements import at, known

NAMES = Names.of(["Ana Reis"])


def stated(text, **fields):
    return known(text, 1, **fields)


def relation(one, other):
    return rules.relation(one, other, NAMES)


def test_the_same_text_says_the_same_whatever_its_form():
    one = stated("Ana plays in “Os Belenenses”.", subject=None)
    assert relation(stated('ana  plays in "os belenenses".', subject="Ana"), one) is Relation.SAME


def test_the_same_value_of_many_is_the_same_only_where_the_text_adds_nothing():
    tennis = {"attribute": "plays", "value": "tennis"}
    one = stated("Ana plays tennis with Rui.", **tennis)
    assert relation(stated("Ana plays tennis.", **tennis), one) is Relation.SAME
    assert relation(one, stated("Ana plays tennis.", **tennis)) is None
    assert relation(stated("Ana plays no tennis.", **tennis), one) is None


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Ana owns 2 boats.", "Ana owns 3 boats."),
        ("Ana owns boats.", "Ana owns no boats."),
        ("Ana owns boats.", "Ana owns boats since May."),
    ],
)
def test_one_value_in_two_numbers_is_not_the_same(text, other):
    boats = {"attribute": "owns", "value": "boats"}
    assert relation(stated(text, **boats), stated(other, **boats)) is None


def test_another_value_of_many_has_nothing_to_do_with_it():
    one = stated("Ana plays tennis.", attribute="plays", value="tennis")
    assert relation(stated("Ana plays chess.", attribute="plays", value="chess"), one) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [("likes", "dislikes"), ("loves", "hates"), ("diet", "no_longer_diet"), ("formerly_plays", "plays")],
)
def test_opposites_replace_each_other(one, other):
    first = stated("One.", attribute=one, value="tea")
    assert relation(first, stated("Other.", attribute=other, value="Tea")) is Relation.REPLACES
    assert relation(stated("Other.", attribute=other, value="tea"), first) is Relation.REPLACES
    assert relation(first, stated("Other.", attribute=other, value="coffee")) is None
    assert relation(first, stated("Other.", attribute=other, value="tea", subject="Ben")) is None


@pytest.mark.parametrize(("one", "other"), [("likes", "loves"), ("likes", "likes"), ("plays", "likes")])
def test_what_is_no_opposite(one, other):
    assert not attributes.are_opposite(one, other)


def test_what_a_value_is_compared_with_is_read():
    assert attributes.related("likes") >= {"likes", "loves", "hates", "dislikes", "no_longer_likes", "liked"}
    assert "diet" in attributes.related("no_longer_diet")
    assert "works_at" in attributes.related("worked_at")
    assert "worked_at" in attributes.related("works_at")


@pytest.mark.parametrize("attribute", ["lives_in", "works_at", "favourite_colour", "preferred_name", "age"])
def test_one_value_at_a_time(attribute):
    assert attributes.is_single_valued(attribute)


@pytest.mark.parametrize("attribute", ["speaks", "plays", "likes", "has_child", "owns", "plans_to", ""])
def test_many_values(attribute):
    assert not attributes.is_single_valued(attribute)


@pytest.mark.parametrize(
    ("fields", "compete"),
    [
        ({}, True),
        ({"subject": "the user"}, True),
        ({"subject": "ANA"}, True),
        ({"subject": "Ben"}, False),
        ({"subject": None}, False),
        ({"attribute": "works_at"}, False),
        ({"value": None}, False),
        ({"value": ""}, False),
    ],
)
def test_who_competes(fields, compete):
    one = stated("Ana lives in Faro.", attribute="lives_in", value="Faro")
    other = stated("Ana lives in Bern.", **{"attribute": "lives_in", "value": "Bern"} | fields)
    assert rules.compete(one, other, NAMES) is compete
    assert rules.compete(other, one, NAMES) is compete


def test_the_same_words_of_two_days_are_two_events_and_otherwise_one_state():
    event = {"category": "event"}
    one, other = (
        stated("Ana gave blood.", valid_from=at(1), **event),
        stated("Ana gave blood.", valid_from=at(2), **event),
    )
    assert relation(one, other) is None
    assert relation(one, stated("Ana gave blood.", **event)) is Relation.SAME
    assert relation(stated("Ana sings.", valid_from=at(1)), stated("Ana sings.", valid_from=at(2))) is Relation.SAME


@pytest.mark.parametrize(
    ("given", "subject"),
    [
        ("Ana", "user"),
        ("ana  reis", "user"),
        ("User", "user"),
        ("I", "user"),
        ("Ben", "ben"),
        (" ", None),
        (None, None),
    ],
)
def test_whom_it_is_about(given, subject):
    assert NAMES.subject(given) == subject


def test_without_a_name_only_the_user_is_the_user():
    assert Names.of([None, " "]).subject("Ana") == "ana"
    assert Names.of([None]).subject("the user") == "user"
