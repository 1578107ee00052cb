"""Connections with a deadline on the client's side, which also ends a wait when the server no longer answers.

The server enforces `statement_timeout`. If the server hangs or the network is cut, it cannot, and libpq waits without
a limit. psycopg's wait loop returns to Python ten times a second: there these connections check their own deadline.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import DictRow


class DeadlineConnection(psycopg.Connection[DictRow]):
    """A connection that closes itself when an answer has not come before its deadline."""

    #: By time.monotonic(). After it every wait raises OperationalError.
    deadline: float = math.inf

    def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
        return super().wait(_check_deadline(self, gen), *arguments, **options)


class AsyncDeadlineConnection(psycopg.AsyncConnection[DictRow]):
    """The same for asyncio."""

    deadline: float = math.inf

    async def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
        return await super().wait(_check_deadline(self, gen), *arguments, **options)


class DeadlinePassed(psycopg.OperationalError):
    """The server did not answer in time."""


AnyDeadlineConnection = DeadlineConnection | AsyncDeadlineConnection


@contextmanager
def apply_deadline(connection: object, deadline: float) -> Iterator[None]:
    """Set the deadline of a connection for the length of the block. Other kinds of connections are not changed.

    Args:
        connection: a connection from the pool of readers.
        deadline: by time.monotonic().
    """
    if not isinstance(connection, AnyDeadlineConnection):
        yield
        return
    connection.deadline = deadline
    try:
        yield
    finally:
        connection.deadline = math.inf


def _check_deadline(connection: AnyDeadlineConnection, gen: Any) -> Any:
    """Pass all values between psycopg's generator and its wait loop; check the clock when nothing was ready."""
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready and time.monotonic() > connection.deadline:
                # Close the connection: a late answer would be read as the answer to the next statement.
                connection.pgconn.finish()
                raise DeadlinePassed("the server did not answer in time")
            wanted = gen.send(ready)
    except StopIteration as ended:
        return ended.value
