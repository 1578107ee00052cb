"""The search for many literals finds what a search for each of them finds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from afterturn.redaction.literals import Literals

_TEXTS = st.text(alphabet="keypwn/\u5bc6\u7801\u0142 ", max_size=30)


def _places(text: str, literal: str) -> list[int]:
    return [place for place in range(len(text)) if text.startswith(literal, place)]


@given(st.lists(st.text(alphabet="keypwn/\u5bc6\u7801\u0142", min_size=1, max_size=4), min_size=1, max_size=8), _TEXTS)
def test_every_place_of_every_literal_is_found(literals: list[str], text: str) -> None:
    wanted = {literal: places for literal in literals if (places := _places(text, literal))}
    assert Literals(dict.fromkeys(literals)).find(text) == wanted


def test_literals_that_overlap_or_begin_alike_are_all_found() -> None:
    found = Literals(["pw", "pwd", "login", "number", "wort"]).find("pwd of the loginumber, passwort")
    assert found == {"pw": [0], "pwd": [0], "login": [11], "number": [15], "wort": [27]}
