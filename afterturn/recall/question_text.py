"""The words of a question, each with its stems in every language that a text about it may be in.

A memory may hold texts of several languages, and few words do not show the language of a question. So a word matches a
text if they have the same stem by any stemmer of several languages: English, those that the stop words of the question
allow, and their neighbours; without a stop word all of its script. The first guess decides which words say nothing
about the topic.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from afterturn.languages import configurations, present, related_words, segmentation, stop_words, texts, thai
from afterturn.recall import stems
from afterturn.recall.stems import QuestionWord

#: The language whose stop words Postgres and `stems.QUESTION_STEMS` know.
_ENGLISH = "en"
#: Only the beginning of a question is stemmed in further languages. A longer question is usually a pasted text.
MAX_CHARACTERS_IN_ALL = 1_000
#: Languages of a question that its stop words allow. All of its script would be twenty, and two milliseconds.
_LANGUAGES_GUESSED = 3


@dataclass(frozen=True)
class QuestionText:
    """A question as recall looks for it."""

    text: str

    @cached_property
    def language(self) -> str | None:
        """The language, guessed from script and stop words; None where nothing shows it."""
        return guess_language(self._normalized)

    @property
    def words(self) -> str:
        """The question without stop words and without the runs of scripts without spaces."""
        return self._split[0]

    @property
    def configurations(self) -> list[str]:
        """The text search configurations of the languages that it may match, its own first."""
        possible = configurations.languages_of(self.words)
        guessed = [name for name in self._guessed if name in possible]
        if guessed:
            nearest = configurations.family_of(guessed[0])
            possible = [name for name in possible if name in guessed or name in nearest or name == _ENGLISH]
        main = configurations.of_language(self.language or _ENGLISH)
        others = map(configurations.of_language, possible)
        return list(dict.fromkeys((main, configurations.PLAIN, *others)))

    def decode(self, rows: Iterable[Any]) -> list[QuestionWord]:
        """Return the words of the question in order, from the rows of the query `question_words`."""
        words: dict[str, QuestionWord] = {}
        for row in rows:
            stem = row["stem"]
            codes = tuple(dict.fromkeys(map(texts.code, (stem, *row["stems"]))))
            words.setdefault(stem, QuestionWord(stem, codes, instead=self._instead_of_stem(stem, row["stems"])))
        for word in self._known_words:
            pieces = tuple(related_words.pieces_of(word))
            words[word] = QuestionWord(
                word,
                (texts.code(word),) if pieces == (word,) else (),
                is_piece=pieces == (word,),
                pieces=() if pieces == (word,) else pieces,
                instead=self._instead_of_word(word),
            )
        for piece in self._topic_pieces():
            words.setdefault(piece, stems.piece_word(piece))
        return list(words.values())

    def _topic_pieces(self) -> Sequence[str]:
        """Return the pieces beside the known words, without stop words and endings.

        Hiragana mostly writes endings and particles.
        """
        _, pieces = self._split
        ignored = stop_words.of_language(self.language or _ENGLISH)
        topic = [piece for piece in pieces if not segmentation.is_hiragana(piece) and piece not in ignored]
        if self.language == "zh":
            # Many of its stop words are one character, and part of no other word.
            topic = [piece for piece in topic if ignored.isdisjoint(piece)]
        return topic or (() if self._known_words else pieces)

    def _instead_of_stem(self, stem: str, stems_of_all: Sequence[str]) -> tuple[Sequence[Sequence[str]], ...]:
        """Return other forms of a word, and related words in the languages that the question may be in."""
        found = [
            [other]
            for language in self._guessed or [_ENGLISH]
            for each in dict.fromkeys((stem, *stems_of_all))
            for other in related_words.related(each, language)
        ]
        return [[form] for form in related_words.similar_stems(stem)], found

    def _instead_of_word(self, word: str) -> tuple[Sequence[Sequence[str]], ...]:
        """Return the pieces of the words that are related to one without spaces."""
        return ([related_words.pieces_of(other) for other in related_words.related(word, str(self.language))],)

    @cached_property
    def _known_words(self) -> list[str]:
        """The words of a question in a language without spaces that have related words."""
        language = self.language
        if language not in segmentation.UNSPACED_LANGUAGES:
            return []
        return thai.find_words(self.text) if language == "th" else related_words.find_words(self._topic, str(language))

    @cached_property
    def _guessed(self) -> list[str]:
        """The languages that its stop words allow, the likeliest first; a script without spaces shows its language."""
        return guess_languages(self._normalized)

    @cached_property
    def _normalized(self) -> str:
        return segmentation.normalize(self.text)

    @cached_property
    def _topic(self) -> str:
        """The question without its stop words, and without the particles of Korean."""
        if self.language in (None, _ENGLISH):
            return self._normalized
        text = stop_words.remove(self._normalized, str(self.language))
        return stop_words.remove(segmentation.without_particles(text), "ko") if self.language == "ko" else text

    @cached_property
    def _split(self) -> tuple[str, list[str]]:
        if self.language == "th":
            # All words are known, and what is left are stop words.
            return segmentation.split(thai.remove(self._normalized))
        text = related_words.without_words(self._topic, self._known_words)
        return segmentation.split(text)


def asks_for_present(question: str) -> bool:
    """Return whether a question asks for what holds now, as opposed to earlier, in any language that it may be in."""
    normalized = segmentation.normalize(question)
    guessed = guess_languages(normalized) or [_ENGLISH]
    return any(present.asks_for_present(normalized, language) for language in guessed)


def guess_language(text: str) -> str | None:
    """Return the language of a normalized text, guessed from script and stop words; None where nothing shows it."""
    return next(iter(guess_languages(text)), None)


def guess_languages(text: str) -> list[str]:
    """Return the languages that a normalized text may be in, the likeliest first; at most three."""
    language = segmentation.language_of(text)
    if language is not None:
        return [language]
    languages = configurations.languages_of(text)
    guessed = stop_words.guess_languages(text, languages)[:_LANGUAGES_GUESSED]
    # Of another script than Latin, without a stop word: the language that most of its writers write.
    return guessed or [name for name in languages[:1] if name != _ENGLISH]
