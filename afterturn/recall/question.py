"""Questions to vectors, in the space that the database serves."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from afterturn.embedding import spaces
from afterturn.embedding.embedder import Embedder
from afterturn.embedding.spaces import EmbeddingSpace
from afterturn.scopes import UserScope
from afterturn.settings import Settings

#: How long a process believes what it read of the serving space. Longer delays a switch to another model.
SPACE_SECONDS = 30.0
CACHED_QUESTIONS = 512
#: How long a question's vector is remembered: long enough for the pages of one answer. It is also how long a forgotten
#: user's questions may outlive them in a process that goes on recalling, as vectors; the words are not kept.
CACHED_SECONDS = 60.0


class QuestionEmbedder:
    """Embeds questions, remembering each user's last ones for a minute. Safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._space: EmbeddingSpace | None = None
        self._space_read_at = float("-inf")
        self._embedder: Embedder | None = None
        #: When it was embedded, and its vector, by space, owner and digest of the question; the oldest first.
        self._vectors: OrderedDict[tuple[int, UserScope, bytes], tuple[float, list[float]]] = OrderedDict()
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

    def embed(self, scope: UserScope, question: str) -> list[float] | None:
        """Return the vector of a user's question; None where no space serves.

        Raises ModelUnavailable or ModelRefused.
        """
        with self._guard:
            space, embedder = self._space, self._embedder
            if space is None or embedder is None:
                return None
            key = (space.space_id, scope, hashlib.blake2b(question.encode(), digest_size=16).digest())
            self._drop_old()
            if key in self._vectors:
                return self._vectors[key][1]
        vector = embedder.embed([question])[0]
        with self._guard:
            self._vectors.pop(key, None)
            self._vectors[key] = time.monotonic(), vector
            if len(self._vectors) > CACHED_QUESTIONS:
                self._vectors.popitem(last=False)
        return vector

    def _drop_old(self) -> None:
        oldest = time.monotonic() - CACHED_SECONDS
        while self._vectors and next(iter(self._vectors.values()))[0] < oldest:
            self._vectors.popitem(last=False)
