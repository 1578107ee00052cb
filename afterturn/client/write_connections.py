"""The Redis connections that only writes use.

redis-py's pool is made for commands of any kind: at each checkout it asks the socket whether something is left to read
or the server has hung up, and at each return it raises an event. That takes a third of the time of a write. Here
nothing can be left to read, because a call that fails between sending and reading closes its connection; and whether
the server has hung up is asked of connections that were idle. Otherwise the call's own attempts find it out.
"""

from __future__ import annotations

import math
import time
from typing import Any

from redis import Redis
from redis.exceptions import RedisError, ResponseError

#: A connection that was idle for longer is looked at before it is used. Longer: more writes of a process that writes
#: seldom need a second attempt. Shorter: busy writers look at theirs for nothing.
IDLE_SECONDS = 1.0
#: When a connection became free that is closed: never idle for long. It connects within the attempts of the next call.
_CLOSED = math.inf


class WriteConnections:
    """Takes a free connection for each call, or makes one. Threads may share it; a forked process makes its own."""

    def __init__(self, client: Redis) -> None:
        """Make connections like those of the client's pool."""
        self._pool = client.connection_pool
        #: Each with when it became free (time.monotonic()), or _CLOSED. The one used last is taken first.
        self._free: list[tuple[Any, float]] = []

    def call(self, command: bytes) -> Any:
        """Send a packed command and return the answer, in as many attempts as the connection has. Raises RedisError."""
        connection = self._take()
        free_since = _CLOSED
        try:
            answer = connection.retry.call_with_retry(
                lambda: _exchange(connection, [command]), lambda _: connection.disconnect()
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

    def _take(self) -> Any:
        try:
            connection, free_since = self._free.pop()
        except IndexError:
            return self._pool.make_connection()
        if time.monotonic() - free_since > IDLE_SECONDS and _has_ended(connection):
            connection.disconnect()
        return connection


def _exchange(connection: Any, command: list[bytes]) -> Any:
    connection.send_packed_command(command)
    return connection.read_response()


def _has_ended(connection: Any) -> bool:
    try:
        return bool(connection.can_read())
    except (RedisError, OSError):
        return True
