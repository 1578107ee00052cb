"""Questions to vectors, in the space that the database serves."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from afterturn.embedding import spaces
from afterturn.embedding.embedder import Embedder
from afterturn.embedding.spaces import EmbeddingSpace
from afterturn.settings import Settings

#: How long a process believes what it read of the serving space. Longer delays a switch to another model.
SPACE_SECONDS = 30.0
CACHED_QUESTIONS = 512


class QuestionEmbedder:
    """Embeds questions, remembering the last ones. Safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._space: EmbeddingSpace | None = None
        self._space_read_at = float("-inf")
        self._embedder: Embedder | None = None
        self._vectors: OrderedDict[tuple[int, str], list[float]] = OrderedDict()
        self._guard = threading.Lock()

    @property
    def needs_space(self) -> bool:
        """Whether the serving space should be read (again) from the database and given to `use`."""
        return time.monotonic() - self._space_read_at > SPACE_SECONDS

    @property
    def space_id(self) -> int | None:
        """The serving space, where it is known."""
        return None if self._space is None else self._space.space_id

    def use(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take the rows of the query `serving_space`."""
        space = EmbeddingSpace(**rows[0]) if rows else None
        with self._guard:
            if space != self._space:
                self._space = space
                self._embedder = None if space is None else spaces.open_embedder(space, self._settings)
            self._space_read_at = time.monotonic()

    def embed(self, question: str) -> list[float] | None:
        """Return the question's vector; None where no space serves. Raises ModelUnavailable or ModelRefused."""
        with self._guard:
            space, embedder = self._space, self._embedder
            if space is None or embedder is None:
                return None
            key = (space.space_id, question)
            if key in self._vectors:
                self._vectors.move_to_end(key)
                return self._vectors[key]
        vector = embedder.embed([question])[0]
        with self._guard:
            self._vectors[key] = vector
            if len(self._vectors) > CACHED_QUESTIONS:
                self._vectors.popitem(last=False)
        return vector
