"""The names of secrets in the languages that users write, such as "password", "PIN" and "API key" (`names.json`).

A name alone is no secret. It announces the value beside it, and its kind decides what can be a value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import cache
from importlib import resources

from afterturn.redaction.literals import Literals


class Kind(StrEnum):
    """What can be the value of a name. The more exact kinds come first: "access code" is more than "code"."""

    #: Several words: "my seed phrase is abandon ability able".
    PHRASE = "phrase"
    #: Digits and letters in groups: "your verification code is 482 913".
    CODE = "code"
    #: Only what looks generated: "my API key is 7Qm4Zt91xLb0".
    KEY = "key"
    #: Digits: "my PIN is 4711".
    PIN = "pin"
    #: Also plain words: "my password is swordfish".
    PASSWORD = "password"
    #: A user name and a password: "my login is ana / hunter2".
    LOGIN = "login"
    #: A long number: "my account number is 0049382716".
    NUMBER = "number"
    #: Words with other meanings, such as "key" and "token": only what looks random.
    WEAK = "weak"


#: What a name must not be followed by: "password manager" names another thing.
_COMPOUND = re.compile(
    r"['\u2019]?s?[ -](?:manager|policy|policies|resets?|fields?|hints?|strength|generators?|vault|rules?|requirements?"
    r"|protect\w+|length|pages?|form|prompt|changes?|crack\w+|spray\w+|hash\w*|rotation|quota|usage|management"
    r"|prefix|header|review|entry|entries|box|counts?|limits?|bucket|algorithm|format|size|expir\w+|lifetime"
    r"|constraint|safety|less|based|storage|security|verification|validation|authentication|confirmation|recovery|updates?"
    r"|columns?|inputs?|variables?|parameters?|arguments?|attributes?|checks?|match\w*|mismatch|attempts?|encryption"
    r"|exchange|derivation|pair|holders?|stretching|complexity|history|sharing|tests?|testing|generation|policies)\b",
    re.IGNORECASE,
)

_TABLE = json.loads(resources.files("afterturn.redaction").joinpath("names.json").read_text("utf-8"))
#: By kind and language: the names as regular expressions.
_NAMES: dict[str, dict[str, list[str]]] = {kind: _TABLE[kind] for kind in Kind}
#: Every name contains one of these, in lower case.
_PARTS: tuple[str, ...] = tuple(_TABLE["parts"])
_SEARCH = Literals(_PARTS)
#: A text without any character of the others is searched only for the parts in ASCII. That is quicker.
_ASCII_SEARCH = Literals(filter(str.isascii, _PARTS))
_OTHER_CHARACTER = re.compile(f"[{''.join(sorted({one for part in _PARTS for one in part if not one.isascii()}))}]")
#: A name lies within so many characters around each of its parts.
_WINDOW_CHARACTERS = 32


#: The names with their kinds, the more exact kinds first.
_FRAGMENTS = [(kind, name) for kind in Kind for names in _NAMES[kind].values() for name in names]


@cache
def _names_with(part: str) -> list[tuple[Kind, re.Pattern[str]]]:
    """Return the names that contain a part, as one expression for each kind. Most parts are in no text of a process."""
    found = [(kind, name) for kind, name in _FRAGMENTS if part in name]
    return [
        (kind, re.compile("|".join(name for other, name in found if other is kind), re.IGNORECASE))
        for kind in dict.fromkeys(kind for kind, _ in found)
    ]


_ORDER = {kind: place for place, kind in enumerate(Kind)}


def find_names(text: str) -> Iterator[tuple[Kind, int, int]]:
    """Yield the names of secrets in a text, in order: the kind, start and end of each. They do not overlap."""
    last = 0
    for start, _, end, kind in sorted(_all_names(text)):
        if start >= last:
            last = end
            if _COMPOUND.match(text, end) is None:
                yield kind, start, end


def _all_names(text: str) -> Iterator[tuple[int, tuple[int, int], int, Kind]]:
    """Yield start, rank, end and kind of all names: the search for literals is much faster than that for names."""
    folded = text.lower()
    is_aligned = len(folded) == len(text)
    for part, places in _find_parts(folded).items():
        windows = _windows(places, len(text)) if is_aligned else [(0, len(text))]
        for kind, pattern in _names_with(part):
            for start, end in windows:
                for match in pattern.finditer(text, start, end):
                    rank = (_ORDER[kind], match.start() - match.end())
                    yield match.start(), rank, match.end(), kind


def _find_parts(folded: str) -> dict[str, list[int]]:
    """Return the parts of names in a text in lower case, and the places of each."""
    is_plain = folded.isascii() or _OTHER_CHARACTER.search(folded) is None
    return (_ASCII_SEARCH if is_plain else _SEARCH).find(folded)


def _windows(places: Sequence[int], length: int) -> list[tuple[int, int]]:
    """Return the stretches of a text of this length around the places of a part of names."""
    windows: list[tuple[int, int]] = []
    for place in places:
        start, end = max(0, place - _WINDOW_CHARACTERS), min(length, place + _WINDOW_CHARACTERS)
        if windows and start <= windows[-1][1]:
            windows[-1] = windows[-1][0], end
        else:
            windows.append((start, end))
    return windows
