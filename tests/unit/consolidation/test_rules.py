"""Rules that compare two statements without an LLM call."""

import pytest

from afterturn.consolidation import attributes, rules
from afterturn.consolidation.rules import UserNames
from afterturn.relation import Relation
from tests.unit.consolidation.statements import at, known

NAMES = UserNames.from_display_names(["Ana Reis"])


def statement(text, **fields):
    return known(text, 1, **fields)


def relation(one, other):
    return rules.find_relation(one, other, NAMES)


def test_the_same_text_in_another_form_says_the_same():
    one = statement("Ana plays in “Os Belenenses”.", subject=None)
    assert relation(statement('ana  plays in "os belenenses".', subject="Ana"), one) is Relation.SAME


def test_the_same_value_of_a_multi_valued_attribute_is_the_same_only_without_new_words():
    tennis = {"attribute": "plays", "value": "tennis"}
    one = statement("Ana plays tennis with Rui.", **tennis)
    assert relation(statement("Ana plays tennis.", **tennis), one) is Relation.SAME
    assert relation(one, statement("Ana plays tennis.", **tennis)) is None
    assert relation(statement("Ana plays no tennis.", **tennis), one) is None


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("Ana owns 2 boats.", "Ana owns 3 boats."),
        ("Ana owns boats.", "Ana owns no boats."),
        ("Ana owns boats.", "Ana owns boats since May."),
    ],
)
def test_the_same_value_with_another_detail_is_not_the_same(text, other):
    boats = {"attribute": "owns", "value": "boats"}
    assert relation(statement(text, **boats), statement(other, **boats)) is None


def test_another_value_of_a_multi_valued_attribute_is_unrelated():
    one = statement("Ana plays tennis.", attribute="plays", value="tennis")
    assert relation(statement("Ana plays chess.", attribute="plays", value="chess"), one) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [("likes", "dislikes"), ("loves", "hates"), ("diet", "no_longer_diet"), ("formerly_plays", "plays")],
)
def test_opposites_replace_each_other(one, other):
    first = statement("One.", attribute=one, value="tea")
    assert relation(first, statement("Other.", attribute=other, value="Tea")) is Relation.REPLACES
    assert relation(statement("Other.", attribute=other, value="tea"), first) is Relation.REPLACES
    assert relation(first, statement("Other.", attribute=other, value="coffee")) is None
    assert relation(first, statement("Other.", attribute=other, value="tea", subject="Ben")) is None


@pytest.mark.parametrize(("one", "other"), [("likes", "loves"), ("likes", "likes"), ("plays", "likes")])
def test_attributes_that_are_not_opposite(one, other):
    assert not attributes.are_opposite(one, other)


def test_related_attributes():
    assert attributes.related_attributes("likes") >= {"likes", "loves", "hates", "dislikes", "no_longer_likes", "liked"}
    assert "diet" in attributes.related_attributes("no_longer_diet")
    assert "works_at" in attributes.related_attributes("worked_at")
    assert "worked_at" in attributes.related_attributes("works_at")


@pytest.mark.parametrize("attribute", ["lives_in", "works_at", "favourite_colour", "preferred_name", "age"])
def test_single_valued_attributes(attribute):
    assert attributes.is_single_valued(attribute)


@pytest.mark.parametrize("attribute", ["speaks", "plays", "likes", "has_child", "owns", "plans_to", ""])
def test_multi_valued_attributes(attribute):
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
def test_competing_values(fields, compete):
    one = statement("Ana lives in Faro.", attribute="lives_in", value="Faro")
    other = statement("Ana lives in Bern.", **{"attribute": "lives_in", "value": "Bern"} | fields)
    assert rules.are_competing_values(one, other, NAMES) is compete
    assert rules.are_competing_values(other, one, NAMES) is compete


def test_the_same_text_of_two_days_is_two_events_but_one_state():
    event = {"category": "event"}
    one, other = (
        statement("Ana gave blood.", valid_from=at(1), **event),
        statement("Ana gave blood.", valid_from=at(2), **event),
    )
    assert relation(one, other) is None
    assert relation(one, statement("Ana gave blood.", **event)) is Relation.SAME
    assert (
        relation(statement("Ana sings.", valid_from=at(1)), statement("Ana sings.", valid_from=at(2))) is Relation.SAME
    )


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
def test_normalised_subjects(given, subject):
    assert NAMES.normalise_subject(given) == subject


def test_without_a_known_name_only_the_word_user_means_the_user():
    assert UserNames.from_display_names([None, " "]).normalise_subject("Ana") == "ana"
    assert UserNames.from_display_names([None]).normalise_subject("the user") == "user"
