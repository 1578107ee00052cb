"""Words that mean nearly the same, from the annotations of CLDR (Unicode licence), and parts of words.

Where no text of a memory has a word of the question, one with a related word is better than none: "movie" finds "film".
The data are groups of words, one for each emoji; `tools/related_words.py` writes them.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files

from afterturn.languages import segmentation, stop_words

#: A word has at most this many related words: those that share the smallest groups with it.
MOST_RELATED = 40
#: The longest word of the data that is looked for in a text without spaces.
_LONGEST_WORD = 8
_WORDS_OF_ONE_CHARACTER = ("zh", "ja")
#: A shorter part of a word is a part of too many.
_SHORTEST_PART = 4
_SHORTEST_STEM = 5
#: Letters in which the stems of one word may differ at the end.
_LAST_LETTERS = string.ascii_lowercase + "аеиоуыьюяй"


def related(word: str, language: str) -> list[str]:
    """Return the words related to one, nearest first; empty where none are known.

    Args:
        word: its stem, as the configuration of the language gives it; of a language without spaces the word itself.
        language: ISO 639-1.
    """
    shares: dict[str, float] = {}
    for group in _groups_of_word(language).get(word, ()):
        for other in group:
            shares[other] = shares.get(other, 0.0) + 1 / len(group)
    shares.pop(word, None)
    return sorted(shares, key=lambda other: (-shares[other], other))[:MOST_RELATED]


def find_words(text: str, language: str) -> list[str]:
    """Return the words of the data in a text without spaces, from left to right, the longest at each place."""
    known, ignored = _groups_of_word(language), stop_words.of_language(language)
    found, start = [], 0
    while start < len(text):
        for length in range(min(_LONGEST_WORD, len(text) - start), 0, -1):
            word = text[start : start + length]
            if word in known and word not in ignored and _may_be_word(text, start, length, language):
                found.append(word)
                start += length
                break
        else:
            start += 1
    return list(dict.fromkeys(found))


def _may_be_word(text: str, start: int, length: int, language: str) -> bool:
    """Return whether one character may be a word: always of Chinese and Japanese, between spaces of Korean."""
    stands_alone = not text[start - 1 : start].strip() and not text[start + length : start + length + 1].strip()
    return length > 1 or language in _WORDS_OF_ONE_CHARACTER or (language == "ko" and stands_alone)


def without_words(text: str, words: Iterable[str]) -> str:
    """Return a text without spaces without these words, which it contains: their neighbours are no neighbours then."""
    longest_first = sorted(words, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), " ", text) if longest_first else text


def pieces_of(word: str) -> list[str]:
    """Return the pieces of a word of a script without spaces, as texts have them."""
    _, pieces = segmentation.split(word)
    return pieces or [word]


def similar_stems(stem: str) -> Sequence[str]:
    """Return what the stem of a word may be in another form, or as a part of a compound: "kinofilm" contains "film"."""
    if len(stem) < _SHORTEST_STEM:
        return ()
    endings = [stem + letter for letter in _LAST_LETTERS]
    tails = [stem[start:] for start in range(1, len(stem) - _SHORTEST_PART + 1)]
    heads = [stem[:end] for end in range(len(stem) - 1, _SHORTEST_PART, -1)]
    return (*endings, *heads, *tails)


@cache
def _groups_of_word(language: str) -> dict[str, list[list[str]]]:
    path = files("afterturn.languages").joinpath("data", "related", f"{language}.json")
    groups_of: dict[str, list[list[str]]] = {}
    for group in json.loads(path.read_text("utf-8")) if path.is_file() else ():
        for word in group:
            groups_of.setdefault(word, []).append(group)
    return groups_of
