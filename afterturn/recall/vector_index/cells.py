"""Vectors grouped into cells by nearness (an inverted file): a question is compared only with the nearest cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from afterturn.recall.documents import Places
from afterturn.recall.vector_index.columns import IndexColumns
from afterturn.recall.vector_index.scales import EMPTY, Scale

Vectors: TypeAlias = NDArray[np.float32]
#: (kind, item): the name of a vector in the table `vectors`.
VectorName: TypeAlias = tuple[str, str]

#: Larger: fewer centres to compare with the question, but more vectors in each cell that is searched.
VECTORS_PER_CELL = 400
MAX_CELLS = 4_096
#: The cell with a sample of all vectors.
SAMPLE_CELL = -1
#: The number of vectors per cell from which the centres are computed.
SAMPLED_PER_CELL = 32
#: Iterations of k-means.
ROUNDS = 6
#: The sample cell holds this many stretches of consecutive turns of a session, each of this many turns. Mean and
#: deviation of the best cosine of each session are estimated from it.
STRETCHES = 96
STRETCH_TURNS = 32
#: The number of directions for which the variance of the vectors is stored. In all others the variance is averaged.
DIRECTIONS = 256
#: The covariance of vectors with at least twice this dimension is computed from a part of them.
LONG_VECTOR = 512

_HEADER_BYTES = 4
_COMPARED_AT_ONCE = 5_000


def cell_count(vectors: int) -> int:
    """Return the number of cells for a number of vectors."""
    return max(1, min(MAX_CELLS, vectors // VECTORS_PER_CELL))


def find_centres(embeddings: Sequence[bytes], count: int) -> Vectors:
    """Return the centres of `count` cells, by spherical k-means on a sample of vectors."""
    vectors = _decode(embeddings)
    random = np.random.default_rng(0)
    centres = vectors[random.permutation(len(vectors))[:count]]
    for _ in range(ROUNDS):
        nearest = _nearest_centres(centres, vectors)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, vectors)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        # A centre to which no vector is nearest does not move.
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), centres)
    return centres


def nearest_centres(centres: Vectors, embeddings: Sequence[bytes]) -> list[int]:
    """Return the number of the nearest centre for each vector."""
    return [int(cell) for cell in _nearest_centres(centres, _decode(embeddings))]


def sample_turns(columns: IndexColumns) -> list[int]:
    """Return the places of a sample of turns: stretches of consecutive turns of a session."""
    random = np.random.default_rng(0)
    sample: set[int] = set()
    for place in random.permutation(columns.turn_count)[:STRETCHES].tolist():
        session = int(columns.session[place])
        first, size = int(columns.session_starts[session]), int(columns.session_sizes[session])
        start = place - (place - first) % STRETCH_TURNS
        sample.update(range(start, min(start + STRETCH_TURNS, first + size)))
    return sorted(sample)


class Spread:
    """Mean and covariance of vectors that are added in pages."""

    def __init__(self) -> None:
        self._count = 0
        self._sum: Vectors | float = 0.0
        self._products: Vectors | float = 0.0

    def add(self, embeddings: Sequence[bytes]) -> None:
        """Add vectors. Of long vectors only a part is added, because the cost grows with the square of the length."""
        vectors = _decode(embeddings)
        vectors = vectors[:: max(1, (vectors.shape[1] // LONG_VECTOR) ** 2)]
        self._count += len(vectors)
        self._sum = self._sum + vectors.sum(axis=0)
        self._products = self._products + vectors.T @ vectors

    def pack(self) -> bytes:
        """Return the spread in the form that `cosine_scale` reads.

        It holds the average variance in the directions that are left out, the mean vector, and the directions with the
        largest variances, each scaled to its standard deviation.
        """
        if not self._count:
            return b""
        mean = np.asarray(self._sum) / self._count
        variances, directions = np.linalg.eigh(np.asarray(self._products) / self._count - np.outer(mean, mean))
        kept = min(DIRECTIONS, len(variances))
        largest = directions[:, -kept:] * np.sqrt(np.maximum(variances[-kept:], 0))
        rest = variances[:-kept].mean() if kept < len(variances) else 0.0
        return np.concatenate([[rest], mean, largest.T.ravel()]).astype("<f2").tobytes()


def cosine_scale(packed_spread: bytes, vector: Sequence[float]) -> Scale:
    """Return mean and deviation of the cosines between a vector and the vectors of a spread."""
    if not packed_spread:
        return EMPTY
    question = np.array(vector, dtype=np.float64)
    size = len(question)
    numbers = np.frombuffer(packed_spread, dtype="<f2").astype(np.float64)
    rest, mean, directions = numbers[0], numbers[1 : 1 + size], numbers[1 + size :].reshape(-1, size)
    deviations = np.linalg.norm(directions, axis=1)
    projections = directions @ question
    squared_in_directions = (projections / np.maximum(deviations, 1e-12)) ** 2
    squared_outside = max(0.0, float(question @ question - squared_in_directions[deviations > 0].sum()))
    variance = (projections**2).sum() + rest * squared_outside
    return Scale(float(mean @ question), float(np.sqrt(variance)))


def _nearest_centres(centres: Vectors, vectors: Vectors) -> Places:
    parts = np.array_split(vectors, len(vectors) // _COMPARED_AT_ONCE + 1)
    return np.concatenate([np.argmax(part @ centres.T, axis=1) for part in parts])


def _decode(embeddings: Sequence[bytes]) -> Vectors:
    """Return vectors from the binary form of halfvec: two 16-bit numbers, then the values, all big-endian."""
    values = np.frombuffer(b"".join(embedding[_HEADER_BYTES:] for embedding in embeddings), dtype=">f2")
    return values.reshape(len(embeddings), -1).astype(np.float32)
