"""For any content of a turn, extraction is fast and quotes only the content."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterturn.turns import Turn
from harness.growth import assert_time_is_proportional
from tests.unit.extraction.offline_batch import extract, texts, turn

_SIZE = 64 * 1024
_PIECES = [
    "I",
    "I ",
    "I am ",
    "my sister and I ",
    "I really really ",
    "a",
    "a ",
    " ",
    ".",
    ". ",
    "I.",
    "\n",
    '"',
    '"I ',
    "\u201c",
    "`",
    "```",
    ">",
    "> \t",
    "1",
    "1 ",
    "4111-",
    "and, ",
    "yeah, ",
    "Ana, ",
    "thanks ",
    "User:",
    "User: \n",
    "last ",
    "in a ",
    "2023-",
    "3 May ",
    "I love ",
    "very-",
    "My big old ",
    "sk-",
    "A1",
    "\u00e9",
    "\U0001f600",
    "I live in Lisbon. ",
    "I like x, and I like y, ",
    "my favourite thing ",
]


@pytest.mark.parametrize("piece", _PIECES)
@pytest.mark.parametrize("role", ["user", "exchange"])
def test_the_time_of_a_large_turn_grows_with_its_length(piece: str, role: str) -> None:
    def make(size: int) -> Turn:
        return turn((piece * (size // len(piece) + 1))[:size], role=role)

    assert_time_is_proportional(lambda said: extract(said, user_name=None), make, _SIZE)


@pytest.mark.parametrize("piece", _PIECES)
def test_the_time_of_a_sentence_grows_with_its_length(piece: str) -> None:
    assert_time_is_proportional(extract, lambda size: turn("I love " + (piece * 600)[:size] + "!"), 590)


def test_nul_and_control_characters_are_ignored() -> None:
    assert texts("I own a\x00 boat.", "I live in\x07 Lisbon.") == ["Ana owns a boat.", "Ana lives in Lisbon."]


def test_a_name_may_look_like_a_regular_expression() -> None:
    name = r"A(\1){name}[$"
    parsed = extract(turn("I own a boat.", name=name), turn("I'm proud of you, Bo.", name="Bo|*"), user_name=None)
    assert parsed.facts[0].text == f"{name} owns a boat."


def test_sentences_over_the_maximum_length_are_ignored() -> None:
    assert texts("I own a boat. I own " + "very " * 200 + "much.") == ["Ana owns a boat."]


_VOCABULARY = (
    "I my me we you she and but not no am love lives moved Rome 3 May 2020 last Friday yesterday ago two weeks in on"
    " to since , . ! ? \" ' I'm don't name is Ana used no longer meant kidding \n"
)
_WORDS = st.sampled_from(_VOCABULARY.split(" "))


@settings(max_examples=200, deadline=None)
@given(st.lists(_WORDS, max_size=40).map(" ".join) | st.text(max_size=200))
def test_any_text_gives_a_valid_answer(content: str) -> None:
    extract(turn(content or "-"), turn(content or "-", name="Bo"))
