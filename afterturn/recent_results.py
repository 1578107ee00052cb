"""Results of the last texts that this process examined. Only digests of the texts are kept, and never a text itself."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")

_DIGEST_BYTES = 16


class RecentResults(Generic[Result]):
    """The results of a function of a text. Threads may share it. A result must not contain any of the text."""

    def __init__(self, limit: int) -> None:
        """`limit` is how many results are kept: an entry takes about 200 bytes."""
        self._limit = limit
        self._results: dict[bytes, Result] = {}
        self._guard = threading.Lock()

    def get(self, text: str, examine: Callable[[str], Result]) -> Result:
        """Return the result for a text: that of the last time, or else that of `examine`."""
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
        if digest in (results := self._results):
            try:
                return results[digest]
            except KeyError:  # another thread has just removed it
                pass
        result = examine(text)
        with self._guard:
            results[digest] = result
            if len(results) > self._limit:
                del results[next(iter(results))]
        return result
