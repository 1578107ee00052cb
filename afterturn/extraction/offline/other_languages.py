"""Statements in other languages than English: the rules cannot parse them, so they are kept as they were said."""

from __future__ import annotations

import re
from collections.abc import Iterator

from afterturn.extraction.offline import sentences
from afterturn.extraction.offline.assertions import Assertion
from afterturn.extraction.offline.properties import Property
from afterturn.extraction.offline.speech import Utterance
from afterturn.languages import detection, stop_words
from afterturn.redaction import credentials

_FEWEST_WORDS = 3
#: A shorter sentence says nothing that stands alone. A character of Chinese says about as much as three letters.
_FEWEST_LETTERS = 12
_LETTERS_PER_WIDE = 3
_IMPORTANCE = 0.4

_WIDE = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff]")
_LETTER = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]+")
#: Also of Armenian, Arabic, Greek and of languages that put a sign before a question.
_QUESTION = re.compile("[?\u00bf\uff1f\u061f\u037e\u055e]")


def is_english(text: str) -> bool:
    """Return whether the rules may read a text. A text of few words counts as English."""
    language = detection.detect(text)
    if language in (None, "en"):
        return True
    words = [word.casefold() for word in _WORD.findall(text)]
    english, other = _count_stop_words(words, "en"), _count_stop_words(words, str(language))
    if text.isascii():
        return len(words) < _FEWEST_WORDS or english >= other
    return english > other


def find_statements(utterance: Utterance) -> Iterator[Assertion]:
    """Yield the sentences of an utterance that may state something, unchanged: no questions, no short remarks."""
    for start, end in sentences.sentence_spans(utterance.text):
        sentence = utterance.text[start:end]
        is_statement = not _QUESTION.search(sentence) and _length(sentence) >= _FEWEST_LETTERS
        if is_statement and not credentials.mentions_secret(sentence):
            yield _as_said(sentence, utterance)


def _as_said(sentence: str, utterance: Utterance) -> Assertion:
    return Assertion(
        text=" ".join(sentence.split()),
        quotes=((utterance.turn, sentence),),
        speaker=utterance.speaker,
        about=Property(category="other", importance=_IMPORTANCE, subject=utterance.speaker),
        specific_words=tuple(dict.fromkeys(_WORD.findall(sentence))),
        clause=sentence,
        utterance=utterance,
    )


def _count_stop_words(words: list[str], language: str) -> int:
    listed = stop_words.of_language(language)
    return sum(word in listed for word in words)


def _length(sentence: str) -> int:
    wide = len(_WIDE.findall(sentence))
    return len(_LETTER.findall(sentence)) + (_LETTERS_PER_WIDE - 1) * wide
