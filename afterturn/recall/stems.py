"""Stems as numbers: what the columns `stems` hold, and which stems of a question count."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint32]

#: Stems of a question that count, at most: the first ones. Longer questions are pasted texts, whose beginning tells.
MOST_STEMS = 64

#: A session's first turn says what it is about where it has as many; with fewer it only greets.
OPENING_STEMS = 5

_ASKING = (
    "what who whom whose which when where why how did do doe is was were are mani much long often kind type sort recent"
    " could would might"
)
_TELLING_TIME = (
    "yesterday today tomorrow tonight ago last next week weekend month year morn soon sinc recent monday tuesday"
    " wednesday thursday friday saturday sunday januari februari march april june juli august septemb octob novemb"
    " decemb"
)

#: Stems that ask, rather than say what about. (Postgres drops "what" and "the" by itself.)
QUESTION_STEMS = frozenset(_ASKING.split())
#: Stems of words that say when something was.
TIME_STEMS = tuple(_TELLING_TIME.split())

_WORD = re.compile(r"\w+")
_ASKS_FOR_A_TIME = re.compile(r"\W*(when|how long|what (date|day|year|month))\b", re.IGNORECASE)


def code(stem: str) -> int:
    """Return a stem's number, as `stem_codes` of the schema computes it."""
    return int.from_bytes(hashlib.md5(stem.encode(), usedforsecurity=False).digest()[:4], "big")


def codes_of(held: bytes) -> Codes:
    """Return the numbers in a column `stems`."""
    return np.frombuffer(held, dtype=">u4").astype(np.uint32)


def words(text: str) -> frozenset[str]:
    """Return the words of a text, case folded."""
    return frozenset(_WORD.findall(text.casefold()))


def wanted(question_stems: Sequence[str], names: Collection[str]) -> list[str]:
    """Return the stems of a question that tell what it is about.

    Without words that ask, and without the speakers' `names` (case folded), which count in a way of their own. Where
    nothing is left, all of them.
    """
    told = [stem for stem in question_stems if stem not in QUESTION_STEMS and not _is_name(stem, names)]
    return (told or list(question_stems))[:MOST_STEMS]


def asks_for_a_time(question: str) -> bool:
    """Return whether a question begins as one for a time does."""
    return _ASKS_FOR_A_TIME.match(question) is not None


def _is_name(stem: str, names: Collection[str]) -> bool:
    # The stem of a name lacks a letter now and then: "carolin".
    return any(name.startswith(stem) and len(name) - len(stem) <= 1 for name in names)
