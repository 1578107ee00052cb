"""Postgres's text search configurations, which stem words: one for each language that has a Snowball stemmer."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: For texts without a stemmer of their language: words stay as they are, in lower case.
PLAIN = "simple"

#: The languages of each script, with their configurations, those of most speakers first: where stop words leave several
#: as likely, these are tried. All are part of PostgreSQL 15.
_OF_SCRIPT = {
    "LATIN": {
        "en": "english",
        "es": "spanish",
        "fr": "french",
        "pt": "portuguese",
        "de": "german",
        "id": "indonesian",
        "tr": "turkish",
        "it": "italian",
        "ro": "romanian",
        "nl": "dutch",
        "hu": "hungarian",
        "sv": "swedish",
        "ca": "catalan",
        "da": "danish",
        "fi": "finnish",
        "no": "norwegian",
        "lt": "lithuanian",
        "eu": "basque",
        "ga": "irish",
    },
    "CYRILLIC": {"ru": "russian", "sr": "serbian"},
    "ARABIC": {"ar": "arabic"},
    "DEVANAGARI": {"hi": "hindi", "ne": "nepali"},
    "GREEK": {"el": "greek"},
    "ARMENIAN": {"hy": "armenian"},
    "TAMIL": {"ta": "tamil"},
    "HEBREW": {"yi": "yiddish"},
}
#: Letters of each script that has a stemmer.
_LETTERS = {
    "LATIN": re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff]"),
    "CYRILLIC": re.compile("[\u0400-\u052f]"),
    "ARABIC": re.compile("[\u0600-\u06ff\u0750-\u077f]"),
    "DEVANAGARI": re.compile("[\u0900-\u097f]"),
    "GREEK": re.compile("[\u0370-\u03ff\u1f00-\u1fff]"),
    "ARMENIAN": re.compile("[\u0530-\u058f]"),
    "TAMIL": re.compile("[\u0b80-\u0bff]"),
    "HEBREW": re.compile("[\u0590-\u05ff]"),
}
CONFIGURATIONS = {
    language: configuration for languages in _OF_SCRIPT.values() for language, configuration in languages.items()
}
#: Languages that are often taken for each other.
_FAMILIES = (
    frozenset({"es", "pt", "ca", "it", "fr", "ro"}),
    frozenset({"de", "nl", "en"}),
    frozenset({"da", "no", "sv"}),
    frozenset({"hi", "ne"}),
    frozenset({"ru", "sr"}),
)
#: Languages that are so near to another that its stemmer serves them.
_NEAR = {"nb": "no", "nn": "no", "ms": "id", "gl": "pt", "hr": "sr", "bs": "sr", "sh": "sr"}


def of_language(language: str | None) -> str:
    """Return the configuration of a language (ISO 639-1); None: of a text whose language is not known."""
    return CONFIGURATIONS.get(_NEAR.get(language or "", language or ""), PLAIN)


def family_of(language: str) -> frozenset[str]:
    """Return the languages that a text of this one may be taken for, itself included."""
    return next((family for family in _FAMILIES if language in family), frozenset({language}))


def scripts_of(text: str) -> list[str]:
    """Return the scripts with stemmers that a text is written in."""
    if text.isascii():
        return ["LATIN"]
    return [script for script, letters in _LETTERS.items() if letters.search(text)]


def languages_of(text: str) -> Sequence[str]:
    """Return the languages with stemmers that the scripts of a text may be of."""
    return [language for script in scripts_of(text) for language in _OF_SCRIPT[script]]
