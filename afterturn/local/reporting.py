"""Record in Redis which parts of `afterturn up` restart, so that `afterturn status` shows them on every host."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Mapping

from redis.exceptions import RedisError

from afterturn.hot import heartbeats, redis_url
from afterturn.local.supervision import PartHistory
from afterturn.settings import Settings

#: The longest wait for Redis. Redis itself may be the part that has exited.
TIMEOUT_SECONDS = 0.5


class Reporter:
    """Sends heartbeats for each restarting part, and removes them when the part runs again."""

    def __init__(self, settings: Settings) -> None:
        self._host = socket.gethostname()
        self._client = redis_url.open_client(
            settings.redis_url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, retry=None
        )
        self._reported: dict[str, str] = {}
        self._next_at = float("-inf")

    def report(self, restarting: Mapping[str, PartHistory]) -> None:
        """Report the parts, at most once per interval. Errors of Redis are ignored."""
        if time.monotonic() < self._next_at or not (restarting or self._reported):
            return
        self._next_at = time.monotonic() + heartbeats.INTERVAL_SECONDS
        with contextlib.suppress(RedisError):
            for title in self._reported.keys() - restarting.keys():
                heartbeats.remove(self._client, self._reported.pop(title))
            for title, history in restarting.items():
                name = heartbeats.restarting_part(title, self._host, history.deaths, history.ended)
                before = self._reported.get(title)
                heartbeats.record(self._client, name, gone=[before] if before not in (None, name) else [])
                self._reported[title] = name

    def close(self) -> None:
        """Close the connection."""
        self._client.close()
