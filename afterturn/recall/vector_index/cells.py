"""Vectors by what they are near to (an inverted file): a question's vector is compared with those of a few cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from afterturn.recall.vector_index.columns import Columns
from afterturn.recall.vector_index.scales import Scale

Centres: TypeAlias = NDArray[np.float32]
#: Kind and name of a vector.
Owner: TypeAlias = tuple[str, str]

#: Larger: fewer centres to compare with, but more vectors for each cell that is looked into.
VECTORS_PER_CELL = 400
MOST_CELLS = 4_096
#: Vectors that the centres are found from, and how often they are moved.
SAMPLED_PER_CELL = 32
ROUNDS = 6
#: What mean and deviation of the best cosine of each session are estimated from: stretches of sessions.
STRETCHES = 96
STRETCH = 32
#: Directions in which the spread of vectors is kept; in all others it is taken for the same.
DIRECTIONS = 256
LONG_VECTOR = 512

_HEADER_BYTES = 4
_COMPARED_AT_ONCE = 5_000


def wanted(vectors: int) -> int:
    """Return how many cells so many vectors are put into."""
    return max(1, min(MOST_CELLS, vectors // VECTORS_PER_CELL))


def centres(embeddings: Sequence[bytes], count: int) -> Centres:
    """Return the centres of a sample of vectors, by k-means on the sphere."""
    vectors = _numbers(embeddings)
    drawn = np.random.default_rng(0)
    found = vectors[drawn.permutation(len(vectors))[:count]]
    for _ in range(ROUNDS):
        cell = _nearest(found, vectors)
        summed = np.zeros_like(found)
        np.add.at(summed, cell, vectors)
        length = np.linalg.norm(summed, axis=1, keepdims=True)
        # A centre that nothing is near to stays where it is.
        found = np.where(length > 0, summed / np.maximum(length, 1e-12), found)
    return found


def nearest(found: Centres, embeddings: Sequence[bytes]) -> list[int]:
    """Return for each vector the centre that it is nearest to."""
    return [int(cell) for cell in _nearest(found, _numbers(embeddings))]


def sample(columns: Columns) -> list[int]:
    """Return the places of a sample of turns: stretches of sessions."""
    drawn = np.random.default_rng(0)
    chosen: set[int] = set()
    for place in drawn.permutation(columns.turns)[:STRETCHES].tolist():
        session = int(columns.session[place])
        first, size = int(columns.session_starts[session]), int(columns.session_sizes[session])
        start = place - (place - first) % STRETCH
        chosen.update(range(start, min(start + STRETCH, first + size)))
    return sorted(chosen)


class Spread:
    """How vectors are spread, as they come: what mean and deviation of the cosines to any vector are told from."""

    def __init__(self) -> None:
        self._count = 0
        self._sum: Centres | float = 0.0
        self._products: Centres | float = 0.0

    def add(self, embeddings: Sequence[bytes]) -> None:
        """Count these in; of long vectors only some, because the work grows with the square of their length."""
        vectors = _numbers(embeddings)
        vectors = vectors[:: max(1, (vectors.shape[1] // LONG_VECTOR) ** 2)]
        self._count += len(vectors)
        self._sum = self._sum + vectors.sum(axis=0)
        self._products = self._products + vectors.T @ vectors

    def packed(self) -> bytes:
        """Return the mean, the directions in which vectors are spread most, each as long as they are spread there, and
        before them the variance in all others."""
        if not self._count:
            return b""
        mean = np.asarray(self._sum) / self._count
        variances, directions = np.linalg.eigh(np.asarray(self._products) / self._count - np.outer(mean, mean))
        kept = min(DIRECTIONS, len(variances))
        largest = directions[:, -kept:] * np.sqrt(np.maximum(variances[-kept:], 0))
        rest = variances[:-kept].mean() if kept < len(variances) else 0.0
        return np.concatenate([[rest], mean, largest.T.ravel()]).astype("<f2").tobytes()


def scale(held: bytes, vector: Sequence[float]) -> Scale:
    """Return mean and deviation of the cosines to a vector."""
    if not held:
        return Scale(0.0, 0.0)
    asked = np.array(vector, dtype=np.float64)
    numbers = np.frombuffer(held, dtype="<f2").astype(np.float64)
    rest, mean, directions = numbers[0], numbers[1 : 1 + len(asked)], numbers[1 + len(asked) :].reshape(-1, len(asked))
    lengths = np.linalg.norm(directions, axis=1)
    along = directions @ asked
    within = (along / np.maximum(lengths, 1e-12)) ** 2
    variance = (along**2).sum() + rest * max(0.0, float(asked @ asked - within[lengths > 0].sum()))
    return Scale(float(mean @ asked), float(np.sqrt(variance)))


def _nearest(found: Centres, vectors: Centres) -> NDArray[np.int64]:
    parts = np.array_split(vectors, len(vectors) // _COMPARED_AT_ONCE + 1)
    return np.concatenate([np.argmax(part @ found.T, axis=1) for part in parts])


def _numbers(embeddings: Sequence[bytes]) -> Centres:
    """Return vectors of Postgres's binary form of halfvec: two short numbers, then the values, each big-endian."""
    values = np.frombuffer(b"".join(one[_HEADER_BYTES:] for one in embeddings), dtype=">f2")
    return values.reshape(len(embeddings), -1).astype(np.float32)
