"""The call of a script with most of its arguments packed beforehand: what the hot path sends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import redis.asyncio
from redis.exceptions import NoScriptError

from afterturn.hot.scripts import Script


class PreparedCall:
    """A call of a script whose first arguments are always the same: they are packed once."""

    def __init__(self, script: Script, keys: tuple[str, ...], *arguments: str | int) -> None:
        self._first = ("EVALSHA", script.sha, len(keys), *keys, *arguments)
        self._whole = ("EVAL", script.source, *self._first[2:])
        self._count = len(self._first)
        self._packed = _packed(self._first)

    def run(self, send: Callable[[bytes], Any], arguments: Sequence[bytes]) -> Any:
        """Run the script with further arguments, in one round trip (two, the first time on a new server).

        Args:
            send: sends a packed command to Redis and returns the answer.
            arguments: those that follow the first ones.
        """
        count = self._count + len(arguments)
        rest = b"".join([b"$%d\r\n%b\r\n" % (len(argument), argument) for argument in arguments])
        try:
            return send(b"*%d\r\n%b%b" % (count, self._packed, rest))
        except NoScriptError:
            return send(b"*%d\r\n%b%b" % (count, _packed(self._whole), rest))

    async def run_async(self, client: redis.asyncio.Redis, arguments: Sequence[bytes]) -> Any:
        """Run it likewise. The event loop costs more than packing does: this is an ordinary command."""
        try:
            return await client.execute_command(*self._first, *arguments)  # type: ignore[no-untyped-call]
        except NoScriptError:
            return await client.execute_command(*self._whole, *arguments)  # type: ignore[no-untyped-call]


def _packed(arguments: Sequence[str | int]) -> bytes:
    """Return arguments as Redis's protocol has them."""
    encoded = [str(argument).encode() for argument in arguments]
    return b"".join([b"$%d\r\n%b\r\n" % (len(argument), argument) for argument in encoded])
