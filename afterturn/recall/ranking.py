"""Fusing rankings, and ranking turns that no database has seen yet."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from afterturn.turns import Turn

#: Reciprocal rank fusion (Cormack, Clarke, Büttcher 2009): larger flattens the difference between the first ranks.
RRF_K = 60

_WORD = re.compile(r"\w{3,}")

Key = TypeVar("Key", bound=Hashable)


def fuse(rankings: Iterable[Sequence[Key]]) -> dict[Key, float]:
    """Return each item's score, the sum over the rankings of 1 / (60 + rank), best first."""
    scores: dict[Key, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, 1):
            scores[item] = scores.get(item, 0.0) + 1 / (RRF_K + rank)
    return dict(sorted(scores.items(), key=lambda scored: -scored[1]))


def rank_pending(query: str, pending: Sequence[Turn]) -> list[Turn]:
    """Return the turns that share a word with the question, those that share most first, newest first among equals."""
    wanted = _words(query)
    shared = [(len(wanted & _words(turn.content)), index, turn) for index, turn in enumerate(pending)]
    return [turn for count, _, turn in sorted(shared, key=lambda row: (-row[0], -row[1])) if count]


def _words(text: str) -> set[str]:
    # A crude stem is enough here: within a second these turns are in Postgres, which stems properly.
    return {word.casefold().removesuffix("s") for word in _WORD.findall(text)}
