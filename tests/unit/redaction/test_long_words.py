"""The long words of a text, and the row of characters of keys in each."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from afterturn.redaction.long_words import MIN_CHARACTERS, find_long_words


@given(st.text(alphabet="aB1-/.:= \n\t\x1c\x85\u3000\u5bc6", max_size=80))
def test_the_words_stand_where_an_expression_finds_them(text: str) -> None:
    wanted = [(match.start(), match.group()) for match in re.finditer(rf"\S{{{MIN_CHARACTERS},}}", text)]
    assert [(word.start, word.text) for word in find_long_words(text)] == wanted


def test_the_same_word_twice_has_two_places() -> None:
    assert [word.start for word in find_long_words("abcdefghijkl abc abcdefghijkl")] == [0, 17]


def test_a_timestamp_has_only_short_rows() -> None:
    (word,) = find_long_words("at (2026-01-05T10:00:00+00:00):")
    assert word.longest_row == len("2026-01-05T10")
