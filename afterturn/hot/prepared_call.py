"""A script call whose constant arguments are encoded once, for the hot path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import redis.asyncio
from redis.exceptions import NoScriptError

from afterturn.hot.scripts import Script


class PreparedCall:
    """A call of a script whose first arguments are constant: they are encoded once."""

    def __init__(self, script: Script, keys: tuple[str, ...], *arguments: str | int) -> None:
        self._first = ("EVALSHA", script.sha, len(keys), *keys, *arguments)
        self._whole = ("EVAL", script.source, *self._first[2:])
        self._count = len(self._first)
        self._packed = _packed(self._first)

    def run(self, send: Callable[[bytes], Any], arguments: Sequence[bytes]) -> Any:
        """Run the script in one round trip (two at the first call on a new server).

        Args:
            send: sends an encoded command to Redis and returns the reply.
            arguments: the arguments after the constant ones.
        """
        count = self._count + len(arguments)
        rest = b"".join([b"$%d\r\n%b\r\n" % (len(argument), argument) for argument in arguments])
        try:
            return send(b"*%d\r\n%b%b" % (count, self._packed, rest))
        except NoScriptError:
            return send(b"*%d\r\n%b%b" % (count, _packed(self._whole), rest))

    async def run_async(self, client: redis.asyncio.Redis, arguments: Sequence[bytes]) -> Any:
        """Run the script with asyncio, as an ordinary command: the event loop costs more time than the encoding."""
        try:
            return await client.execute_command(*self._first, *arguments)  # type: ignore[no-untyped-call]
        except NoScriptError:
            return await client.execute_command(*self._whole, *arguments)  # type: ignore[no-untyped-call]


def _packed(arguments: Sequence[str | int]) -> bytes:
    """Return the arguments encoded in Redis's protocol."""
    encoded = [str(argument).encode() for argument in arguments]
    return b"".join([b"$%d\r\n%b\r\n" % (len(argument), argument) for argument in encoded])
