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

from afterturn.languages import configurations, present, related_words, segmentation, stop_words, texts
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
        guessed = stop_words.guess_languages(self._normalized, possible)[:_LANGUAGES_GUESSED]
        if guessed:
            nearest = configurations.family_of(guessed[0])
            possible = [name for name in possible if name in guessed or name in nearest or name == _ENGLISH]
        main = configurations.of_language(self.language or _ENGLISH)
        others = map(configurations.of_language, possible)
        return list(dict.fromkeys((main, configurations.PLAIN, *others)))

    def decode(self, rows: Iterable[Any]) -> list[QuestionWord]:
        """Return the words of the question in order, from the rows of the query `question_words`."""
        _, pieces = self._split
        words: dict[str, QuestionWord] = {}
        for row in rows:
            stem = row["stem"]
            codes = tuple(dict.fromkeys(map(texts.code, (stem, *row["stems"]))))
            words.setdefault(stem, QuestionWord(stem, codes, instead=self._instead_of(stem)))
        for piece in self._topic_pieces(pieces):
            words.setdefault(piece, QuestionWord(piece, (texts.code(piece),), is_piece=True))
        for word in self._words_without_spaces():
            # Of a longer word a text has the pieces, which are words of the question themselves.
            own = (texts.code(word),) if related_words.is_piece(word) else ()
            words[word] = QuestionWord(word, own, is_piece=True, instead=self._instead_of(word))
        return list(words.values())

    def _topic_pieces(self, pieces: Sequence[str]) -> Sequence[str]:
        """Return the pieces without stop words, and without hiragana, which mostly writes endings and particles."""
        ignored = stop_words.of_language(self.language or _ENGLISH)
        topic = [piece for piece in pieces if not segmentation.is_hiragana(piece) and piece not in ignored]
        if self.language == "zh":
            # Many of its stop words are one character, and part of no other word.
            topic = [piece for piece in topic if ignored.isdisjoint(piece)]
        return topic or pieces

    def _instead_of(self, word: str) -> tuple[Sequence[Sequence[str]], ...]:
        language = self.language or _ENGLISH
        related = related_words.related(word, language)
        if language not in segmentation.UNSPACED_LANGUAGES:
            return [[stem] for stem in related_words.similar_stems(word)], [[other] for other in related]
        return ([related_words.pieces_of(other) for other in related],)

    def _words_without_spaces(self) -> list[str]:
        """Return the words of a question in a language without spaces that have related words."""
        language = self.language
        if language not in segmentation.UNSPACED_LANGUAGES:
            return []
        return related_words.find_words(self._normalized, str(language))

    @cached_property
    def _normalized(self) -> str:
        return segmentation.normalize(self.text)

    @cached_property
    def _split(self) -> tuple[str, list[str]]:
        text = self._normalized
        if self.language not in (None, _ENGLISH):
            text = stop_words.remove(text, str(self.language))
        return segmentation.split(text)


def asks_for_present(question: str) -> bool:
    """Return whether a question asks for what holds now, as opposed to earlier."""
    normalized = segmentation.normalize(question)
    return present.asks_for_present(normalized, guess_language(normalized))


def guess_language(text: str) -> str | None:
    """Return the language of a normalized text, guessed from script and stop words; None where nothing shows it."""
    language = segmentation.language_of(text)
    if language is None:
        languages = configurations.languages_of(text)
        guessed = stop_words.guess_languages(text, languages)
        # Of another script than Latin, without a stop word: the language that most of its writers write.
        language = next(iter(guessed or (name for name in languages[:1] if name != _ENGLISH)), None)
    return language
