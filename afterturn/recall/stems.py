"""Word stems as numbers, as the database columns `stems` store them, and the stems of a question that count."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint32]

#: Ranking uses only the first stems of a question. A longer question is usually a pasted text, and the beginning of a
#: text shows its topic.
MAX_QUESTION_STEMS = 64

#: The first turn of a session states the topic of the session if it has at least this many stems. A shorter first turn
#: is only a greeting.
OPENING_STEMS = 5

_QUESTION_STEMS = (
    "what who whom whose which when where why how did do doe is was were are mani much long often kind type sort recent"
    " could would might"
)
_TIME_STEMS = (
    "yesterday today tomorrow tonight ago last next week weekend month year morn soon sinc recent monday tuesday"
    " wednesday thursday friday saturday sunday januari februari march april june juli august septemb octob novemb"
    " decemb"
)

#: Stems that mark a question and do not describe its topic. Postgres removes stop words such as "the" itself.
QUESTION_STEMS = frozenset(_QUESTION_STEMS.split())
#: Stems of words that name a time.
TIME_STEMS = tuple(_TIME_STEMS.split())

_WORD = re.compile(r"\w+")
_TIME_QUESTION = re.compile(r"\W*(when|how long|what (date|day|year|month))\b", re.IGNORECASE)


def code(stem: str) -> int:
    """Return the number of a stem. The SQL function `stem_codes` of the schema computes the same number."""
    return int.from_bytes(hashlib.md5(stem.encode(), usedforsecurity=False).digest()[:4], "big")


def decode_codes(column: bytes) -> Codes:
    """Return the stem numbers in a value of a column `stems`."""
    return np.frombuffer(column, dtype=">u4").astype(np.uint32)


def words(text: str) -> frozenset[str]:
    """Return the words of a text, case folded."""
    return frozenset(_WORD.findall(text.casefold()))


def topic_stems(question_stems: Sequence[str], names: Collection[str]) -> list[str]:
    """Return the stems that describe the topic of a question.

    Question words are left out. So are the names of speakers, which have a feature of their own. If nothing is left,
    the result is all stems of the question.

    Args:
        question_stems: in the order of the question.
        names: words of speakers' names, case folded.
    """
    topic = [stem for stem in question_stems if stem not in QUESTION_STEMS and not _is_name(stem, names)]
    return (topic or list(question_stems))[:MAX_QUESTION_STEMS]


def is_time_question(question: str) -> bool:
    """Return whether a question asks for a time, judged by its first words."""
    return _TIME_QUESTION.match(question) is not None


def _is_name(stem: str, names: Collection[str]) -> bool:
    # The stemmer sometimes removes the last letter of a name: "carolin".
    return any(name.startswith(stem) and len(name) - len(stem) <= 1 for name in names)
