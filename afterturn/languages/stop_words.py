"""The stop words of languages, from `stopwordsiso`, and the language whose stop words a text has most of."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
#: Scripts without spaces between words, where a stop word may be any part of a run.
_UNSPACED_LANGUAGES = ("zh", "ja", "th")


@cache
def of_language(language: str) -> frozenset[str]:
    """Return the stop words of a language (ISO 639-1), case folded; empty where none are known."""
    # Imported by the first question: importing it reads its list.
    import stopwordsiso

    return frozenset(word.casefold() for word in stopwordsiso.stopwords(language))


def guess_language(text: str, languages: Iterable[str]) -> str | None:
    """Return the language, of these, whose stop words the text has most of; None where it has none.

    This is what a client can tell of a question without a model. A word counts less if it is a stop word of several.
    """
    candidates = tuple(languages)
    frequencies = _frequencies(candidates)
    words = [word.casefold() for word in _WORD.findall(text)]
    scores = {
        language: sum(1 / frequencies[word] for word in words if word in of_language(language))
        for language in candidates
    }
    best = max(scores, key=scores.__getitem__, default=None)
    return best if best is not None and scores[best] else None


def remove(text: str, language: str) -> str:
    """Return the text without the stop words of its language; unchanged if nothing else would be left."""
    left = _pattern(language).sub(" ", text)
    return left if _WORD.search(left) else text


@cache
def _frequencies(languages: tuple[str, ...]) -> Counter[str]:
    return Counter(word for language in languages for word in of_language(language))


@cache
def _pattern(language: str) -> re.Pattern[str]:
    words = sorted(map(re.escape, of_language(language)), key=len, reverse=True)
    if not words:
        return re.compile(r"(?!)")
    if language in _UNSPACED_LANGUAGES:
        return re.compile("|".join(word for word in words if len(word) > 1))
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE)
