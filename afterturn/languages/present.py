"""Words of the present and of change: whether a question asks for what holds now, and whether a text tells a change.

"Where do I work these days?" is best answered by the newest text that says that something is different since. No
library lists these words; `data/present.json` does. In it, `*` stands for the end of a word, or for one word between.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from string import ascii_lowercase

from afterturn.languages import segmentation

#: Where a language is not known, or has no list.
_DEFAULT = "en"
#: A pattern that matches nowhere.
_NOTHING = "(?!)"


def asks_for_present(question: str, language: str | None) -> bool:
    """Return whether a question asks for what holds now, as opposed to earlier."""
    return _has("present", question, _listed(language))


def tells_change(text: str, language: str | None) -> bool:
    """Return whether a text says that something is new, or different from before."""
    return _has("change", text, _listed(language))


def _has(kind: str, text: str, language: str) -> bool:
    if text.isascii():
        return _ascii_pattern(kind, language).search(text.lower()) is not None
    return _pattern(kind, language).search(text) is not None


def _listed(language: str | None) -> str:
    return language if language in _words() else _DEFAULT


@cache
def _words() -> dict[str, dict[str, list[str]]]:
    data = files("afterturn.languages").joinpath("data", "present.json").read_text("utf-8")
    listed: dict[str, dict[str, list[str]]] = json.loads(data)
    return listed


@cache
def _pattern(kind: str, language: str) -> re.Pattern[str]:
    words = sorted(map(_expression, _words()[language][kind]), key=len, reverse=True)
    alternatives = "|".join(words)
    if language in segmentation.UNSPACED_LANGUAGES:
        return re.compile(alternatives)
    marks = segmentation.MARKS
    return re.compile(rf"(?<![\w{marks}])(?:{alternatives})(?![\w{marks}])", re.IGNORECASE)


@cache
def _ascii_pattern(kind: str, language: str) -> re.Pattern[str]:
    """Return a pattern that matches lower-case ASCII texts as `_pattern` does, in a fraction of the time.

    It compares no case, and tries only the alternatives that begin with the letter at hand.
    """
    by_letter: dict[str, list[str]] = {}
    for words in filter(None, map(_in_ascii, _words()[language][kind])):
        by_letter.setdefault(words[0], []).append(_expression(words[1:]))
    groups = [f"{re.escape(letter)}(?:{'|'.join(rest)})" for letter, rest in by_letter.items()]
    alternatives = "|".join(groups) if groups else _NOTHING
    if language in segmentation.UNSPACED_LANGUAGES:
        return re.compile(alternatives, re.ASCII)
    return re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.ASCII)


def _in_ascii(words: str) -> str | None:
    """Return the words in the letters that they match in an ASCII text, without regard to case; None if in none."""
    letters = [_ascii_letter(letter) for letter in words]
    return None if None in letters else "".join(filter(None, letters))


@cache
def _ascii_letter(letter: str) -> str | None:
    """Return the ASCII character that a letter of a pattern matches: the dotless i of Turkish matches an i."""
    if letter.isascii():
        return letter.lower()
    pattern = re.compile(re.escape(letter), re.IGNORECASE)
    return next(filter(pattern.fullmatch, ascii_lowercase), None)


def _expression(words: str) -> str:
    return re.escape(words).replace(r"\ \*\ ", r"\ \S+\ ").replace(r"\*", r"\w*")
