"""Tell Redis which parts of `afterturn up` die, so that `afterturn status` shows them wherever it is run."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Mapping

from redis.exceptions import RedisError

from afterturn.hot import heard, redis_url
from afterturn.local.supervision import PartHistory
from afterturn.settings import Settings

#: The longest wait for Redis. It may be the part that has died.
TIMEOUT_SECONDS = 0.5


class Reporter:
    """Repeats what has died for as long as it does, and says when it no longer does."""

    def __init__(self, settings: Settings) -> None:
        self._host = socket.gethostname()
        self._client = redis_url.open_client(
            settings.redis_url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, retry=None
        )
        self._said: dict[str, str] = {}
        self._next_at = float("-inf")

    def report(self, dying: Mapping[str, PartHistory]) -> None:
        """Report it, now and then. A Redis that does not answer is left out."""
        if time.monotonic() < self._next_at or not (dying or self._said):
            return
        self._next_at = time.monotonic() + heard.EVERY_SECONDS
        with contextlib.suppress(RedisError):
            for title in self._said.keys() - dying.keys():
                heard.forget(self._client, self._said.pop(title))
            for title, history in dying.items():
                name = heard.dying_part(title, self._host, history.deaths, history.ended)
                before = self._said.get(title)
                heard.note(self._client, name, gone=[before] if before not in (None, name) else [])
                self._said[title] = name

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
