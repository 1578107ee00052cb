"""Connections that give up at a deadline, also when the server has stopped answering altogether.

`statement_timeout` is the server's word: one that hangs, or is cut off, never speaks it, and libpq waits for ever.
psycopg asks whoever waits to look around ten times a second; that is where these look at the clock.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import DictRow


class BoundedConnection(psycopg.Connection[DictRow]):
    """A connection that closes itself when an answer has not come in time."""

    #: By time.monotonic(). Past it, whatever is waited for ends with an OperationalError.
    give_up_at: float = math.inf

    def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
        return super().wait(_until_given_up(self, gen), *arguments, **options)


class BoundedAsyncConnection(psycopg.AsyncConnection[DictRow]):
    """The same for asyncio."""

    give_up_at: float = math.inf

    async def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
        return await super().wait(_until_given_up(self, gen), *arguments, **options)


Bounded = BoundedConnection | BoundedAsyncConnection


@contextmanager
def within(connection: object, deadline: float) -> Iterator[None]:
    """Have a bounded connection give up at `deadline` (time.monotonic()) for the length of the block."""
    if not isinstance(connection, Bounded):
        yield
        return
    connection.give_up_at = deadline
    try:
        yield
    finally:
        connection.give_up_at = math.inf


def _until_given_up(connection: Bounded, gen: Any) -> Any:
    """Pass everything on between psycopg and what it waits for, and look at the clock whenever nothing came."""
    try:
        wanted = next(gen)
        while True:
            came = yield wanted
            if not came and time.monotonic() > connection.give_up_at:
                # Nothing more may be read from it: the late answer would be taken for that of the next statement.
                connection.pgconn.finish()
                raise psycopg.OperationalError("the server did not answer in time")
            wanted = gen.send(came)
    except StopIteration as ended:
        return ended.value
