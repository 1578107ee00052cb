"""The call of a script with most of its arguments packed beforehand: what the hot path sends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis
import redis.asyncio
from redis.exceptions import NoScriptError

from afterturn.hot.scripts import Script


class PreparedCall:
    """A call of a script whose first arguments are always the same: they are packed once.

    `run` hands its bytes to a connection of redis-py's pool, with the pool's checks and the connection's own attempts.
    It leaves out what `execute_command` does for commands in general: packing all arguments and choosing a parser for
    the answer take about a third of a write's time outside Redis.
    """

    def __init__(self, script: Script, keys: tuple[str, ...], *arguments: str | int) -> None:
        self._script = script
        self._first = ("EVALSHA", script.sha, len(keys), *keys, *arguments)
        self._count = len(self._first)
        self._packed = b"".join(_packed(str(argument).encode()) for argument in self._first)

    def run(self, client: redis.Redis, arguments: Sequence[bytes]) -> Any:
        """Run the script with further arguments, in one round trip (two, the first time on a new server)."""
        command = [
            b"*%d\r\n%b%b"
            % (self._count + len(arguments), self._packed, b"".join([_packed(argument) for argument in arguments]))
        ]
        pool = client.connection_pool
        connection = pool.get_connection()
        try:
            return connection.retry.call_with_retry(
                lambda: _exchange(connection, command),
                lambda _: connection.disconnect(),  # type: ignore[no-untyped-call]
            )
        except NoScriptError:
            pass
        finally:
            pool.release(connection)
        return client.execute_command(*self._whole(), *arguments)  # type: ignore[no-untyped-call]

    async def run_async(self, client: redis.asyncio.Redis, arguments: Sequence[bytes]) -> Any:
        """Run it likewise. The event loop costs more than packing does: this is an ordinary command."""
        try:
            return await client.execute_command(*self._first, *arguments)  # type: ignore[no-untyped-call]
        except NoScriptError:
            return await client.execute_command(*self._whole(), *arguments)  # type: ignore[no-untyped-call]

    def _whole(self) -> tuple[str | int, ...]:
        return ("EVAL", self._script.source, *self._first[2:])


def _packed(argument: bytes) -> bytes:
    """Return an argument as Redis's protocol has it."""
    return b"$%d\r\n%b\r\n" % (len(argument), argument)


def _exchange(connection: Any, command: list[bytes]) -> Any:
    connection.send_packed_command(command)
    return connection.read_response()
