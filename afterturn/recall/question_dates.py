"""Months and years that a question names, compared with the times of documents."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afterturn.languages import month_names, segmentation
from afterturn.recall import question_text

Numbers = NDArray[np.float64]

#: Not \b: a character of Chinese after the number is a word character.
_YEAR = re.compile(r"(?<![0-9A-Za-z_])(?:19|20)[0-9]{2}(?![0-9A-Za-z_])")
#: The score of a matching year without a month. It is low because most documents of a memory share one or two years.
_YEAR_ONLY_SCORE = 0.3


@dataclass(frozen=True, slots=True)
class QuestionDates:
    """The months and years that a question names; both sets are empty where it names no date."""

    #: 1 to 12.
    months: frozenset[int]
    years: frozenset[int]

    def match_scores(self, said_at: Numbers) -> Numbers:
        """Return a score for each time: 1 where it matches, 0 where not, and less than 1 for a matching year alone.

        Args:
            said_at: seconds since 1970.
        """
        if not self.months and not self.years:
            return np.zeros(len(said_at))
        month_numbers = said_at.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
        scores = np.ones(len(said_at))
        if self.months:
            scores *= np.isin(month_numbers % 12 + 1, list(self.months))
        if self.years:
            scores *= np.isin(month_numbers // 12 + 1970, list(self.years))
        return scores if self.months else scores * _YEAR_ONLY_SCORE


def find_dates(question: str) -> QuestionDates:
    """Return the months and years that a question names.

    >>> find_dates("What did Ana do in June 2023?")
    QuestionDates(months=frozenset({6}), years=frozenset({2023}))
    """
    normalized = segmentation.normalize(question)
    months = month_names.find_months(normalized, question_text.guess_language(normalized))
    return QuestionDates(months, frozenset(int(year) for year in _YEAR.findall(normalized)))
