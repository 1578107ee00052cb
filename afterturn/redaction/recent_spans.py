"""The places of secrets in the texts that this process searched last: digests and numbers, and no text."""

from __future__ import annotations

import threading
from typing import TypeAlias

#: Start and end of each secret in a text, in order.
Spans: TypeAlias = tuple[tuple[int, int], ...]


class RecentSpans:
    """The results of the last searches. Threads may share it."""

    def __init__(self, limit: int) -> None:
        """`limit` is how many results are kept: an entry takes about 200 bytes."""
        self._limit = limit
        self._spans: dict[bytes, Spans] = {}
        self._guard = threading.Lock()

    def get(self, digest: bytes) -> Spans | None:
        """Return the places in the text with this digest; None if it was not searched recently."""
        return self._spans.get(digest)

    def put(self, digest: bytes, spans: Spans) -> None:
        """Keep a result. It takes the place of the oldest one if there are too many."""
        with self._guard:
            self._spans[digest] = spans
            if len(self._spans) > self._limit:
                del self._spans[next(iter(self._spans))]
