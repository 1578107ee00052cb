"""Word stems as numbers, as the database columns `stems` store them, and the stems of a question that count."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afterturn.languages import texts

Codes = NDArray[np.uint32]

#: Ranking uses only the first stems of a question. A longer question is usually a pasted text, and the beginning of a
#: text shows its topic.
MAX_QUESTION_STEMS = 64

#: A turn at the beginning of a session with fewer stems than this is only a greeting.
GREETING_STEMS = 5

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
#: Stems of words with which people state preferences and standing instructions.
STANDING_STEMS = ("alway", "never", "prefer", "whenev")

_WORD = re.compile(r"\w+")
_TIME_QUESTION = re.compile(r"\W*(when|how long|what (date|day|year|month))\b", re.IGNORECASE)


code = texts.code


@dataclass(frozen=True, slots=True)
class QuestionWord:
    """A word of a question."""

    #: In the language of the question.
    stem: str
    #: The numbers of its stems in every language that a text may be in. A text with any of them contains the word.
    codes: tuple[int, ...]
    #: Whether it is a piece of a script without spaces between words, so that a word is several of these.
    is_piece: bool = False
    #: Of a word of such a script that is longer than a piece: a text that has all these pieces contains the word.
    pieces: tuple[str, ...] = ()
    #: What to look for where no text has the word: its other forms first, then related words. Each is a stem, or the
    #: pieces of a word, all of which a text must have.
    instead: tuple[Sequence[Sequence[str]], ...] = ()


def word_of_stem(stem: str) -> QuestionWord:
    """Return the word that has one stem in all languages."""
    return QuestionWord(stem, (code(stem),))


def piece_word(piece: str) -> QuestionWord:
    """Return the word that is one piece of a script without spaces."""
    return QuestionWord(piece, (code(piece),), is_piece=True)


def decode_codes(column: bytes) -> Codes:
    """Return the stem numbers in a value of a column `stems`."""
    return np.frombuffer(column, dtype=">u4").astype(np.uint32)


def words(text: str) -> frozenset[str]:
    """Return the words of a text, case folded."""
    return frozenset(_WORD.findall(text.casefold()))


def topic_words(question_words: Sequence[QuestionWord], names: Collection[str]) -> list[QuestionWord]:
    """Return the words that describe the topic of a question.

    Question words are left out. So are the names of speakers, which have a feature of their own. If nothing is left,
    the result is all words of the question.

    Args:
        question_words: in the order of the question.
        names: words of speakers' names, case folded.
    """
    topic = [word for word in question_words if word.stem not in QUESTION_STEMS and not _is_name(word.stem, names)]
    return (topic or list(question_words))[:MAX_QUESTION_STEMS]


def count_words(question_words: Sequence[QuestionWord]) -> float:
    """Return how many words a question has without its question words; two pieces are about one word."""
    return sum(0.5 if word.is_piece else 1.0 for word in question_words if word.stem not in QUESTION_STEMS)


def split_words(question_words: Sequence[QuestionWord]) -> list[QuestionWord]:
    """Return the words of a question, and in place of a word that is several pieces each of these, once."""
    split: dict[str, QuestionWord] = {}
    for word in question_words:
        for part in map(piece_word, word.pieces) if word.pieces else (word,):
            split.setdefault(part.stem, part)
    return list(split.values())


def is_time_question(question: str) -> bool:
    """Return whether a question asks for a time, judged by its first words."""
    return _TIME_QUESTION.match(question) is not None


def _is_name(stem: str, names: Collection[str]) -> bool:
    # The stemmer sometimes removes the last letter of a name: "carolin".
    return any(name.startswith(stem) and len(name) - len(stem) <= 1 for name in names)
