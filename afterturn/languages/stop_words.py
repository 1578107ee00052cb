"""The stop words of languages, from `stopwordsiso`, and the language whose stop words a text has most of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from afterturn.languages import segmentation

_LETTERS = rf"(?:[^\W\d_]|[{segmentation.MARKS}])+"
_WORD = re.compile(rf"{_LETTERS}(?:['\u2019]{_LETTERS})?")
#: Letters and signs that few languages of the Latin script share.
_LETTERS_OF = {
    "tr": "ğış",
    "de": "ßäü",
    "es": "ñ¿¡",
    "pt": "ãõç",
    "fr": "œèêç",
    "it": "òìù",
    "ro": "ățș",
    "hu": "őű",
    "da": "æø",
    "no": "æø",
    "sv": "å",
    "fi": "ä",
    "lt": "ėųū",
    "ca": "·ï",
}
_LETTER_SCORE = 0.5
#: The list of `stopwordsiso` has 1,298 words of English, with "home", "system" and words of other languages.
_ENGLISH_LIST = (
    "a about after again all also am an and any are as at be because been before being but by can could "
    "did do does doing don down for from had has have having he her here hers him his how i if in into is "
    "it its just let ll me more most my no nor not now of off on once only or other our out over own re s "
    "said same say she should so some such t than that the their them then there these they this those "
    "through to too under up us ve very was we were what when where which while who whom whose why will "
    "with would you your yours i'm i've it's don't we're that's"
)
_ENGLISH = frozenset(_ENGLISH_LIST.split())
#: Stop words of English that are no stop words of another language, and rarely a word of one.
_ONLY_ENGLISH_LIST = (
    "about after again and because been before being could does doing don't from having his i'm i've into it's only "
    "our said she should that that's the their them there these they this those through we're were what when where "
    "which while who whose why with would your yours"
)
ONLY_ENGLISH = frozenset(_ONLY_ENGLISH_LIST.split())
#: A text is clearly English with so many different words that only English has, and this share of stop words.
_CLEAR_WORDS = 2
_CLEAR_SHARE = 0.2
_CLEAR_WORDS_FOR_A_DOUBT = 4
#: What may stand around a word.
_PUNCTUATION = ".,;:!?()\"'"
#: Scripts without spaces between words, where a stop word may be any part of a run.
_UNSPACED_LANGUAGES = ("zh", "ja", "th")


@cache
def of_language(language: str) -> frozenset[str]:
    """Return the stop words of a language (ISO 639-1), case folded; empty where none are known."""
    if language == "en":
        return _ENGLISH
    # Imported by the first question: importing it reads its list.
    import stopwordsiso

    return frozenset(word.casefold() for word in stopwordsiso.stopwords(language))


def is_clearly_english(text: str) -> bool:
    """Return whether a text is English without doubt. A few words tell, in a tenth of the time that a model takes.

    A stop word of another language is a doubt: the English words may be a title. It takes more of them then.
    """
    if not text.isascii():
        return False
    words = [word.strip(_PUNCTUATION) for word in text.lower().split()]
    doubts = len(_foreign_words().intersection(words))
    if len(ONLY_ENGLISH.intersection(words)) < max(_CLEAR_WORDS, doubts * _CLEAR_WORDS_FOR_A_DOUBT):
        return False
    return sum(word in _ENGLISH for word in words) >= _CLEAR_SHARE * len(words)


def guess_languages(text: str, languages: Iterable[str]) -> list[str]:
    """Return the languages, of these, whose stop words the text has, those with most first.

    This is what a client can tell of a question without a model. A word counts less if it is a stop word of several.
    """
    candidates = tuple(languages)
    languages_of_word = _languages_of_words(candidates)
    folded = text.casefold()
    scores = dict.fromkeys(candidates, 0.0)
    for word in _WORD.findall(folded):
        listing = languages_of_word.get(word, ())
        for language in listing:
            scores[language] += 1 / len(listing)
    if not text.isascii():
        letters = set(folded)
        for language in scores:
            scores[language] += _LETTER_SCORE * sum(letter in letters for letter in _LETTERS_OF.get(language, ""))
    return sorted((language for language in scores if scores[language]), key=lambda language: -scores[language])


def remove(text: str, language: str) -> str:
    """Return the text without the stop words of its language; unchanged if nothing else would be left."""
    left = _pattern(language).sub(" ", text)
    return left if _WORD.search(left) else text


@cache
def _foreign_words() -> frozenset[str]:
    """Return the stop words of all languages but English, without those that English has too."""
    import stopwordsiso

    others = (of_language(language) for language in stopwordsiso.langs() if language != "en")
    return frozenset().union(*others) - {word.casefold() for word in stopwordsiso.stopwords("en")} - _ENGLISH


@cache
def _languages_of_words(languages: tuple[str, ...]) -> dict[str, list[str]]:
    listing: dict[str, list[str]] = {}
    for language in languages:
        for word in of_language(language):
            listing.setdefault(word, []).append(language)
    return listing


@cache
def _pattern(language: str) -> re.Pattern[str]:
    words = sorted(map(re.escape, of_language(language)), key=len, reverse=True)
    if not words:
        return re.compile(r"(?!)")
    if language in _UNSPACED_LANGUAGES:
        return re.compile("|".join(word for word in words if len(word) > 1))
    return re.compile(rf"(?<![\w{segmentation.MARKS}])(?:{'|'.join(words)})(?![\w{segmentation.MARKS}])", re.IGNORECASE)
