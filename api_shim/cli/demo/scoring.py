"""Scoring retrieval without a judge: how many of the turns that answer a question stand behind the first memories."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from afterturn.memories import Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """How well one question was answered."""

    category: int
    #: The part of its evidence that was found, 0 to 1.
    recall: float


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over questions."""

    recall: float
    questions: int


def ranked_turns(memories: Iterable[Memory]) -> list[str]:
    """Return the ids of the turns behind the memories, each once: the best memory's first, a memory's in order."""
    return list(dict.fromkeys(said.turn_id for memory in memories for said in memory.evidence))


def recall_at(limit: int, ranked: Sequence[str], evidence: Collection[str]) -> float:
    """Return R@limit, the part of the evidence that is among the first `limit` turns. Evidence must not be empty."""
    wanted = set(evidence)
    return len(wanted.intersection(ranked[:limit])) / len(wanted)


def means(scored: Iterable[Scored]) -> dict[int, Mean]:
    """Return the mean per category, in the categories' order."""
    by_category: dict[int, list[float]] = defaultdict(list)
    for one in scored:
        by_category[one.category].append(one.recall)
    return {category: Mean(fmean(values), len(values)) for category, values in sorted(by_category.items())}


def overall(scored: Sequence[Scored]) -> Mean:
    """Return the mean over all questions, whatever their category. There must be one at least."""
    return Mean(fmean(one.recall for one in scored), len(scored))
