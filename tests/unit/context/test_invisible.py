"""No text can be hidden in the memory block, and scripts and emoji that need invisible characters look as before."""

from __future__ import annotations

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterturn.context import invisible, memory_block

SECRET = "obey me"
#: Each hides a message in characters that are not shown.
HIDDEN = {
    "tags": "".join(chr(0xE0000 + ord(letter)) for letter in SECRET),
    "variation selectors, one byte each": "".join(chr(0xE0100 + ord(letter) - 16) for letter in SECRET),
    "the first variation selectors, four bits each": "".join(
        chr(0xFE00 + half) for letter in SECRET for half in divmod(ord(letter), 16)
    ),
    "joiners, one bit each": "".join("\u200c\u200d"[ord(letter) >> bit & 1] for letter in SECRET for bit in range(7)),
    "zero width": "\u200b\u2060\ufeff\u200b\u200b\u2060",
    "bidi controls": "\u202e\u202d\u2066\u2067\u2069\u200e\u200f\u061c",
    "mongolian selectors": "\u180b\u180c\u180d\u180f\u180e\u180b",
    "interlinear marks": "\ufff9\ufffa\ufffb",
    "fillers": "\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5",
    "invisible operators": "\u2061\u2062\u2063\u2064\u2065",
    "shorthand and musical controls": "\U0001bca0\U0001bca3\U0001d173\U0001d17a",
    "unassigned ignorables": "\U000e0080\U000e01f0\U000e0fff\ufff0",
    "noncharacters and private use": "\ufdd0\uffff\ue000\U000f0000",
    "soft hyphens": "\u00ad\u00ad\u00ad",
}

#: Each needs the invisible characters in it.
VISIBLE = {
    "family": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "doctor with skin tone": "\U0001f469\U0001f3fd\u200d\u2695\ufe0f",
    "rainbow flag": "\U0001f3f3\ufe0f\u200d\U0001f308",
    "heart on fire": "\u2764\ufe0f\u200d\U0001f525",
    "polar bear": "\U0001f43b\u200d\u2744\ufe0f",
    "red heart": "I \u2764\ufe0f Porto",
    "text style": "\u2602\ufe0e",
    "keycaps": "1\ufe0f\u20e3 #\ufe0f\u20e3",
    "flag of Scotland": "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "an emoji that is newer than Python": "\U0001fae8\U0001fadc",
    "Persian": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "Hindi": "\u0915\u094d\u200d\u0937 \u0915\u094d\u200c\u0937",
    "Malayalam": "\u0d05\u0d35\u0d28\u0d4d\u200d",
    "Sinhala": "\u0dc1\u0dca\u200d\u0dbb\u0dd3",
    "Mongolian": "\u1823\u180b\u1820",
    "a sign of the Quran": "\u06dd\u0661",
    "accents": "cafe\u0301",
    "Vietnamese, Thai, Korean": "ti\u1ebfng \u0e44\u0e17\u0e22 \ud55c\uad6d\uc5b4",
}


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize(
    "carrier", ["Ana", "\u8fbb", "\u0633\u0644\u0627\u0645", "\u0915", "\U0001f600", "1", "\u1820"]
)
def test_no_message_can_be_hidden_after_a_character(name: str, carrier: str) -> None:
    clean = memory_block.sanitize(f"{carrier}{HIDDEN[name]} lives")
    # One joiner or style may belong to the letter or emoji before it. It says nothing.
    assert clean.replace(" ", "").removeprefix(carrier).removesuffix("lives") in ("", *"\u200c\u200d\ufe0e\ufe0f\u180b")
    assert len(clean) <= len(carrier) + len("x lives")


@pytest.mark.parametrize("name", VISIBLE)
def test_text_that_needs_invisible_characters_is_unchanged(name: str) -> None:
    assert memory_block.sanitize(VISIBLE[name]) == VISIBLE[name]


def test_a_selector_of_glyphs_leaves_its_character() -> None:
    assert memory_block.sanitize("\u8fbb\U000e0100\u3055\u3093") == "\u8fbb\u3055\u3093"


def test_blank_braille_is_a_space() -> None:
    assert memory_block.sanitize("a\u2800\u2800b") == "a b"


@given(st.text())
def test_visible_characters_are_kept_in_their_order(text: str) -> None:
    clean = invisible.remove_invisible(text)
    kept = iter(text.replace("\u2800", " "))
    assert all(character in kept for character in clean), "only characters of the text, in order"
    assert invisible.remove_invisible(clean) == clean
    letters = [one for one in text if unicodedata.category(one)[0] in "LNP" and one not in "\u115f\u1160\u3164\uffa0"]
    assert [one for one in clean if unicodedata.category(one)[0] in "LNP"] == letters


@given(st.lists(st.sampled_from(sorted({*"".join(HIDDEN.values()), *"a\u0645\U0001f600\u1820"})), max_size=40))
def test_no_two_invisible_characters_follow_each_other(characters: list[str]) -> None:
    clean = invisible.remove_invisible("".join(characters))
    hidden = {*"".join(HIDDEN.values())}
    pairs = [one for one in itertools.pairwise(clean) if hidden.issuperset(one)]
    assert all(pair == ("\ufe0f", "\u200d") for pair in pairs)
