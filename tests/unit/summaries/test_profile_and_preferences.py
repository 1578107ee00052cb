"""The lines of a profile, and the attributes that are preferences."""

import pytest

from afterturn.errors import InvalidInput
from afterturn.summaries import preferences, profile
from afterturn.summaries.profile import ProfileLine


def test_lines_are_selected_in_order_while_they_fit():
    texts = ["Ana is tall.", "x" * 300, "Ana\nis  tall.", "Short."]
    lines = [ProfileLine(fact_id=number, text=text) for number, text in enumerate(texts)]
    assert profile.select_lines(lines, limit_tokens=20) == [
        ProfileLine(fact_id=0, text="Ana is tall."),
        ProfileLine(fact_id=3, text="Short."),
    ]
    assert profile.select_lines(lines, limit_tokens=2) == []


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
    assert preferences.preference_key(attribute) == key


def rows(*given):
    return [{"fact_id": n, "attribute": attribute, "value": value} for n, (attribute, value) in enumerate(given)]


def test_the_last_of_several_preferences_with_one_key_counts():
    found = preferences.parse_preferences(
        rows(("favourite_colour", "blue"), ("likes", "tea"), ("preferred_colour", "green"))
    )
    assert preferences.values_by_key(found) == {"colour": "green"}
    assert preferences.find_preference(found, "Favourite Colour").fact_id == 2
    assert preferences.find_preference(found, "seat") is None


def test_a_preference_is_stored_as_a_fact_with_a_single_valued_attribute():
    fact = preferences.make_preference_fact("Reply language", " Portuguese ", name="Ana")
    assert fact.text == "Ana's preference for reply language: Portuguese"
    assert fact.fields == {
        "category": "preference",
        "subject": "Ana",
        "attribute": "preferred_reply_language",
        "value": "Portuguese",
    }
    assert preferences.make_preference_fact("diet", "vegan", name=None).fields["attribute"] == "diet"
    for key in ("", "  ", "--", 7):
        with pytest.raises(InvalidInput, match="key"):
            preferences.make_preference_fact(key, "x", name=None)
    with pytest.raises(InvalidInput, match="value"):
        preferences.make_preference_fact("colour", "", name=None)
