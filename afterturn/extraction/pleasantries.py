"""Recognise messages of greetings, thanks, wishes and the weather, in the languages of `data/small_talk.json`.

Such a message has a salutation, and all its words are stop words of its language, words of pleasantries, or names of
the speakers. A number, or any other word, may state something.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from afterturn.languages import segmentation, stop_words

#: A longer message says more than pleasantries.
MAX_CHARACTERS = 160

_MARKS = segmentation.MARKS
_WORD = re.compile(rf"[^\W\d_][\w{_MARKS}]*(?:['\u2019-][^\W\d_][\w{_MARKS}]*)*")
_DIGIT = re.compile(r"\d")
#: A question that asks only for agreement: ", ¿no?", ", right?". Its "no" answers nothing.
_TAG_LIST = (
    "no|verdad|não|né|não é|right|isn't it|eh|huh|nicht|nicht wahr|oder|gell|ne|non|hein|n'est-ce pas|vero|да|"
    "не так ли|правда|değil mi|di mi|niet|hè|है ना|ना|أليس كذلك|صح|是吧|对吧|是不是|ね|でしょ|그쵸|그죠|ใช่ไหม|เนอะ"
)
_TAG_QUESTION = re.compile(rf"[,\u060c\uff0c\u3001]\s*\u00bf?\s*(?:{_TAG_LIST})\s*[?\uff1f\u061f]")
_PARTICLE_SYLLABLES = 3


@dataclass(frozen=True)
class _Language:
    salutations: re.Pattern[str]
    words: frozenset[str]
    #: The pleasant ones of these words, without the stop words.
    pleasant: frozenset[str]
    #: Of a language without spaces: all words, the longest first.
    pieces: re.Pattern[str] | None
    #: Stop words that make a statement of their own, or that answer a question.
    never: frozenset[str]


def is_pleasantry(text: str, names: Collection[str] = ()) -> bool:
    """Return whether a message is nothing but pleasantries.

    Args:
        text: the content of the message.
        names: words of names, case folded, that it may contain.
    """
    text = unicodedata.normalize("NFC", text).replace("\u2019", "'").casefold()
    # A dotted capital I of Turkish becomes two characters.
    text = text.replace("i\u0307", "i")
    if len(text) > MAX_CHARACTERS or _DIGIT.search(text):
        return False
    text = _TAG_QUESTION.sub(" ", text)
    return any(_consists_of_pleasantries(text, language, names) for language in _candidates(text))


def _candidates(text: str) -> list[str]:
    unspaced = segmentation.language_of(text)
    if unspaced is not None:
        return [unspaced] if unspaced in _data() else []
    return [language for language in _data() if language not in ("zh", "ja", "th")]


def _consists_of_pleasantries(text: str, name: str, names: Collection[str]) -> bool:
    language = _language(name)
    if not language.salutations.search(text):
        return False
    text = language.salutations.sub(" ", text)
    if language.pieces is not None:
        left = language.pieces.sub(" ", text)
        # Names are written without a space between family and given name.
        return all(any(word in name for name in names) for word in _WORD.findall(left))
    words = _WORD.findall(text)
    if name == "ko":
        return all(_is_allowed_in_korean(word, language, names) for word in words)
    return all(_is_allowed(word, language.words, names) for word in words)


def _is_allowed(word: str, allowed: Collection[str], names: Collection[str]) -> bool:
    return word in allowed or word in names or all(part in allowed for part in re.split("['-]", word))


def _is_allowed_in_korean(word: str, language: _Language, names: Collection[str]) -> bool:
    """Return whether a word is allowed, also with up to three syllables of particles and endings after it.

    One syllable before them must be a pleasant word: as a stop word it begins too many others.
    """
    if any(word[:2] in name for name in names):
        return True
    if any(word.startswith(never) for never in language.never if len(never) > 1):
        return False
    shortest = max(1, len(word) - _PARTICLE_SYLLABLES)
    stems = [word[:end] for end in range(len(word), shortest - 1, -1)]
    return word in language.words or any(
        stem in (language.words if len(stem) > 1 else language.pleasant) for stem in stems
    )


@cache
def _data() -> dict[str, dict[str, list[str]]]:
    text = files("afterturn.languages").joinpath("data", "small_talk.json").read_text("utf-8")
    data: dict[str, dict[str, list[str]]] = json.loads(text)
    return data


@cache
def _language(name: str) -> _Language:
    listed = _data()[name]
    salutations = [unicodedata.normalize("NFC", phrase).casefold() for phrase in listed["salutations"]]
    never = frozenset(listed["never"])
    pleasant = {unicodedata.normalize("NFC", word).casefold() for word in listed["words"]}
    words = pleasant | (stop_words.of_language(name) - never)
    is_unspaced = name in ("zh", "ja", "th")
    ends = "" if is_unspaced or name == "ko" else rf"(?![\w{_MARKS}])"
    starts = "" if is_unspaced else rf"(?<![\w{_MARKS}])"
    phrases = "|".join(map(re.escape, sorted(salutations, key=len, reverse=True)))
    known = sorted({*salutations, *words}, key=len, reverse=True)
    return _Language(
        salutations=re.compile(f"{starts}(?:{phrases}){ends}"),
        words=frozenset(words),
        pleasant=frozenset(pleasant),
        never=never,
        pieces=re.compile("|".join(map(re.escape, known))) if is_unspaced else None,
    )
