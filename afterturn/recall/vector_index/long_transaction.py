"""Transactions of an index build, whose statements take longer than others may."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from afterturn.database import queries
from afterturn.database.pool import Connection

_SQL = queries.load("vector_index")


@contextmanager
def long_transaction(connection: Connection) -> Iterator[None]:
    """Open a transaction with a longer statement timeout."""
    with connection.transaction():
        connection.execute(_SQL["extend_timeout"])
        yield
