"""The words that two texts share, in any language, without a stemmer: by their beginnings, or by pieces of characters.

A stemmer would need the language of each sentence. Here a form of a word that is taken for another word costs a few
tokens, and nothing is lost by it.
"""

from __future__ import annotations

import re

from afterturn.languages import segmentation, stop_words
from afterturn.languages.configurations import CONFIGURATIONS

#: The endings of words lie behind so many characters. Fewer: different words are the same. More: forms differ.
_STEM_CHARACTERS = 5
_SHORTEST_WORD = 3
#: The beginning of a text shows its language.
_LANGUAGE_CHARACTERS = 400
#: Articles and prepositions that Arabic writes in one word with the noun.
_ARABIC_PREFIX = re.compile("^(?:[\u0648\u0641]?[\u0628\u0643\u0644]?\u0627\u0644|\u0648?\u0644\u0644)(?=\\w{3})")
_WORD = re.compile(rf"[\w{segmentation.MARKS}]+")
_DIGITS = re.compile(r"\d")


def find_language(text: str) -> str | None:
    """Return the probable language of a text (ISO 639-1); None where nothing tells it."""
    beginning = text[:_LANGUAGE_CHARACTERS]
    unspaced = segmentation.language_of(beginning)
    if unspaced is not None:
        return unspaced
    guessed = stop_words.guess_languages(beginning, CONFIGURATIONS)
    return guessed[0] if guessed else None


def find_keys(text: str, language: str | None) -> frozenset[str]:
    """Return what stands for the words of a text: beginnings, pieces of scripts without spaces, and whole numbers.

    Stop words of the language are left out.
    """
    words, pieces = segmentation.split(segmentation.normalize(text))
    ignored = stop_words.of_language(language) if language else frozenset[str]()
    keys = {_key(word) for word in _WORD.findall(words.casefold()) if word not in ignored and _says_something(word)}
    return frozenset(keys.union(piece for piece in pieces if not segmentation.is_hiragana(piece)))


def is_number(key: str) -> bool:
    """Return whether a key stands for a number, a date or a name with a number in it."""
    return _DIGITS.search(key) is not None


def _says_something(word: str) -> bool:
    return len(word) >= _SHORTEST_WORD or _DIGITS.search(word) is not None


def _key(word: str) -> str:
    if _DIGITS.search(word):
        return word
    return _ARABIC_PREFIX.sub("", word)[:_STEM_CHARACTERS]
