"""Who speaks of whom: words of the speaker's own undertakings and advice, words that address the other, and choices.

No library lists these words by language; `data/addressing.json` does. In it, `*` at the end of a word stands for
endings, and at its beginning for what stands before an ending. They only say that a sentence is worth more: what is in
a language without a list, or said in other words, is judged by the words that it shares with the user's.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files

from afterturn.languages import segmentation

#: A number or a letter that stands alone, as in "2", "#3" or "B": it may choose an item.
_LONE_SIGN = re.compile(r"(?<![\w.,:/#-])#?(?:\d{1,2}|[B-H])(?![\w:/-]|\s?%|[.,]\d)|[\u2460-\u2473]")


def speaks_of_itself(text: str, language: str | None) -> bool:
    """Return whether a sentence says what its speaker does, will do or advises: "I'll remind you", "I suggest"."""
    return _pattern("own", language).search(text) is not None


def addresses_other(text: str, language: str | None) -> bool:
    """Return whether a sentence speaks to or of the other: "your dog"."""
    return _pattern("you", language).search(text) is not None


def may_choose(text: str, language: str | None) -> bool:
    """Return whether a text may refer to an item of a list: "the second one", "option B", "2"."""
    return _LONE_SIGN.search(text) is not None or _pattern("choice", language).search(text) is not None


def find_signs(text: str) -> frozenset[str]:
    """Return the numbers and letters of a text that stand alone."""
    return frozenset(sign.lstrip("#") for sign in _LONE_SIGN.findall(text))


@cache
def _words() -> dict[str, dict[str, list[str]]]:
    data = files("afterturn.languages").joinpath("data", "addressing.json").read_text("utf-8")
    listed: dict[str, dict[str, list[str]]] = json.loads(data)
    return listed


@cache
def _pattern(kind: str, language: str | None) -> re.Pattern[str]:
    """Return the pattern of a language; of one without a list, or not known, that of all languages together."""
    languages = [language] if language in _words() else list(_words())
    return re.compile("|".join(_alternatives(kind, each) for each in languages if each))


def _alternatives(kind: str, language: str) -> str:
    words = _words()[language][kind]
    if language in segmentation.UNSPACED_LANGUAGES:
        return "|".join(map(re.escape, words))
    marks = segmentation.MARKS
    expressions = "|".join(_expression(word) for word in words)
    return rf"(?<![\w{marks}'\u2019])(?:{expressions})(?![\w{marks}])"


def _expression(word: str) -> str:
    """Return the pattern of a word in any case, but of a single letter as it stands: "i" may be an index."""
    letters = rf"[\w{segmentation.MARKS}]"
    escaped = re.escape(word).replace(r"\*", f"{letters}{{0,20}}").replace("'", "['\u2019]").replace(r"\ ", r"\s")
    return escaped if word == "I" or word.startswith("I'") else f"(?i:{escaped})"
