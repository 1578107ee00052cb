"""The Redis connections that only writes use.

redis-py's pool works for all kinds of commands: at each checkout it polls the socket for unread data and for a
connection that the server closed, and at each return it dispatches an event. This takes a third of the time of a write.
Here no data can be unread, because a call that fails between sending and reading closes its connection. Only
connections that were idle are checked for a close by the server. Otherwise the retries of the call handle it.
"""

from __future__ import annotations

import math
import time
from typing import Any

from redis import Redis
from redis.exceptions import RedisError, ResponseError

#: A connection that was idle for longer is checked before its use. Longer: more writes of a process that rarely writes
#: need a second attempt. Shorter: busy writers check their connections needlessly.
IDLE_SECONDS = 1.0
#: Stands for the time since which a closed connection is free: it needs no check, because the next call reconnects it.
_CLOSED = math.inf


class WriteConnections:
    """Uses a free connection for each call, or a new one. Threads may share it. A forked process creates its own."""

    def __init__(self, client: Redis) -> None:
        """Prepare connections with the options of the client's pool."""
        self._pool = client.connection_pool
        #: Each free connection and since when it is free (time.monotonic() or _CLOSED). The last one is used first.
        self._free: list[tuple[Any, float]] = []

    def call(self, command: bytes) -> Any:
        """Send a packed command and return the answer, with the retries of the connection. Raises RedisError."""
        connection = self._take_connection()
        free_since = _CLOSED
        try:
            answer = connection.retry.call_with_retry(
                lambda: _send_and_read(connection, [command]), lambda _: connection.disconnect()
            )
            free_since = time.monotonic()
        except ResponseError:
            free_since = time.monotonic()
            raise
        except BaseException:
            connection.disconnect()
            raise
        finally:
            self._free.append((connection, free_since))
        return answer

    def close(self) -> None:
        """Close the free connections."""
        while self._free:
            self._free.pop()[0].disconnect()

    def _take_connection(self) -> Any:
        try:
            connection, free_since = self._free.pop()
        except IndexError:
            return self._pool.make_connection()
        if time.monotonic() - free_since > IDLE_SECONDS and _is_closed_by_server(connection):
            connection.disconnect()
        return connection


def _send_and_read(connection: Any, command: list[bytes]) -> Any:
    if connection._sock is None:
        # Sending would connect too, but past the Sentinels, which only `connect` asks.
        connection.connect()
    connection.send_packed_command(command)
    return connection.read_response()


def _is_closed_by_server(connection: Any) -> bool:
    try:
        return bool(connection.can_read())
    except (RedisError, OSError):
        return True
