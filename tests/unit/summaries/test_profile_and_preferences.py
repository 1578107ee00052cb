"""Which lines fit a profile, and which attributes are preferences with a key."""

import pytest

from afterturn.errors import InvalidInput
from afterturn.summaries import preferences, profile
from afterturn.summaries.profile import Line


def test_lines_come_in_order_until_they_no_longer_fit():
    lines = [
        Line(fact_id=n, text=text) for n, text in enumerate(["Ana is tall.", "x" * 300, "Ana\nis  tall.", "Short."])
    ]
    assert profile.fitting(lines, limit_tokens=20) == [
        Line(fact_id=0, text="Ana is tall."),
        Line(fact_id=3, text="Short."),
    ]
    assert profile.fitting(lines, limit_tokens=2) == []


@pytest.mark.parametrize(
    ("attribute", "key"),
    [
        ("favourite_colour", "colour"),
        ("favorite_food", "food"),
        ("Prefers reply-language", "reply_language"),
        ("preferred_seat", "seat"),
        ("diet", "diet"),
        ("likes", None),
        ("prefers_", None),
        ("owns", None),
    ],
)
def test_the_key_of_an_attribute(attribute, key):
    assert preferences.key_of(attribute) == key


def rows(*given):
    return [{"fact_id": n, "attribute": attribute, "value": value} for n, (attribute, value) in enumerate(given)]


def test_the_last_of_several_counts():
    found = preferences.of_rows(rows(("favourite_colour", "blue"), ("likes", "tea"), ("preferred_colour", "green")))
    assert preferences.by_key(found) == {"colour": "green"}
    assert preferences.latest(found, "Favourite Colour").fact_id == 2
    assert preferences.latest(found, "seat") is None


def test_what_a_person_says_is_a_fact_with_an_attribute_of_one_value():
    said = preferences.said("Reply language", " Portuguese ", name="Ana")
    assert said.text == "Ana's preference for reply language: Portuguese"
    assert said.columns == {
        "category": "preference",
        "subject": "Ana",
        "attribute": "preferred_reply_language",
        "value": "Portuguese",
    }
    assert preferences.said("diet", "vegan", name=None).columns["attribute"] == "diet"
    for key in ("", "  ", "--", 7):
        with pytest.raises(InvalidInput, match="key"):
            preferences.said(key, "x", name=None)
    with pytest.raises(InvalidInput, match="value"):
        preferences.said("colour", "", name=None)
