"""BM25 with the statistics of one user's own memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afterturn.recall.documents import Documents

Numbers = NDArray[np.float64]
Places = NDArray[np.int64]

#: How soon more of the same word counts no more, and how much longer texts are marked down (Robertson 1994).
SATURATION = 1.2
LENGTH_PENALTY = 0.75


def counts(documents: Documents, codes: Sequence[int]) -> Numbers:
    """Return how often each stem stands in each document: a row per document, a column per stem."""
    owner = np.repeat(np.arange(len(documents)), documents.sizes)
    order = np.argsort(np.array(codes, dtype=np.uint32))
    ordered = np.array(codes, dtype=np.uint32)[order]
    found = np.zeros((len(documents), len(codes)))
    if not len(ordered) or not len(documents):
        return found
    places = np.minimum(np.searchsorted(ordered, documents.codes), len(ordered) - 1)
    hits = ordered[places] == documents.codes
    np.add.at(found, (owner[hits], order[places[hits]]), 1.0)
    return found


@dataclass(frozen=True, slots=True)
class Common:
    """How common stems are, and how long documents: what BM25 takes from all of a memory."""

    documents: int
    #: Of each stem, the documents that have it.
    having: Numbers
    mean_size: float


def common(found: Numbers, sizes: Numbers) -> Common:
    """Return it of these documents."""
    return Common(len(sizes), (found > 0).sum(axis=0), float(sizes.mean()) if len(sizes) else 0.0)


def bm25(found: Numbers, sizes: Numbers, of_all: Common | None = None) -> Numbers:
    """Return each stem's part of each document's score, from the stems' counts and the documents' sizes.

    `of_all` is given where these are only some of the documents.
    """
    if not len(sizes):
        return found
    of_all = of_all or common(found, sizes)
    rarity = np.log(1 + (of_all.documents - of_all.having + 0.5) / (of_all.having + 0.5))
    length = 1 - LENGTH_PENALTY + LENGTH_PENALTY * sizes / (of_all.mean_size or 1.0)
    return np.asarray(rarity * found * (SATURATION + 1) / (found + SATURATION * length[:, None]))
