"""The words of a question, each with its stems in every language that a text about it may be in.

A memory may hold texts of several languages, and few words do not show the language of a question. So a word matches a
text if they have the same stem by any stemmer of their script. The language that is guessed from the stop words decides
only which words say nothing about the topic.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from afterturn.languages import configurations, segmentation, stop_words, texts
from afterturn.recall.stems import QuestionWord

#: The language whose stop words Postgres and `stems.QUESTION_STEMS` know.
_ENGLISH = "en"
#: Only the beginning of a question is stemmed in further languages. A longer question is usually a pasted text.
MAX_CHARACTERS_IN_ALL = 1_000


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
        main = configurations.of_language(self.language or _ENGLISH)
        others = (configurations.CONFIGURATIONS[name] for name in configurations.languages_of(self.words))
        return list(dict.fromkeys((main, configurations.PLAIN, *others)))

    def decode(self, rows: Iterable[Any]) -> list[QuestionWord]:
        """Return the words of the question in order, from the rows of the query `question_words`."""
        _, pieces = self._split
        words: dict[str, QuestionWord] = {}
        for row in rows:
            codes = dict.fromkeys(map(texts.code, (row["stem"], *row["stems"])))
            words.setdefault(row["stem"], QuestionWord(row["stem"], tuple(codes)))
        for piece in pieces:
            words.setdefault(piece, QuestionWord(piece, (texts.code(piece),), is_piece=True))
        return list(words.values())

    @cached_property
    def _normalized(self) -> str:
        return segmentation.normalize(self.text)

    @cached_property
    def _split(self) -> tuple[str, list[str]]:
        text = self._normalized
        if self.language not in (None, _ENGLISH):
            text = stop_words.remove(text, str(self.language))
        return segmentation.split(text)


def guess_language(text: str) -> str | None:
    """Return the language of a normalized text, guessed from script and stop words; None where nothing shows it."""
    return segmentation.language_of(text) or stop_words.guess_language(text, configurations.languages_of(text))

