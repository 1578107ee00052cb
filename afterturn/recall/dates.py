"""Months and years that a question names, against the dates of what was said."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

_NAMES = "january february march april may june july august september october november december"
_MONTHS = _NAMES.split()
_MONTH = re.compile(rf"\b({'|'.join(_MONTHS)})\b", re.IGNORECASE)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
#: What a year alone is worth: most of a memory is of the same one or two.
_YEAR_ALONE = 0.3


@dataclass(frozen=True, slots=True)
class Named:
    """What a question names; empty where it names no date."""

    #: 1 to 12.
    months: frozenset[int]
    years: frozenset[int]

    def matches(self, said_at: Numbers) -> Numbers:
        """Return for each time (seconds since 1970) whether it lies there: 1, 0, or less than 1 for a year alone."""
        if not self.months and not self.years:
            return np.zeros(len(said_at))
        month_numbers = said_at.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
        fits = np.ones(len(said_at))
        if self.months:
            fits *= np.isin(month_numbers % 12 + 1, list(self.months))
        if self.years:
            fits *= np.isin(month_numbers // 12 + 1970, list(self.years))
        return fits if self.months else fits * _YEAR_ALONE


def named(question: str) -> Named:
    """Return the months and years that a question names.

    >>> named("What did Ana do in June 2023?")
    Named(months=frozenset({6}), years=frozenset({2023}))
    """
    found = [match[0] for match in _MONTH.finditer(question)]
    # "may" in lower case is a verb.
    months = frozenset(_MONTHS.index(name.lower()) + 1 for name in found if name != "may")
    return Named(months, frozenset(int(year) for year in _YEAR.findall(question)))
