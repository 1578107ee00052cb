"""Run steps on a connection. Steps yield statements and decode the rows; they do no I/O themselves.

So each query and its decoding is written once for synchronous code and asyncio.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from afterturn.database.statement import Result, Row, Statement, Steps

if TYPE_CHECKING:
    from afterturn.database.pool import AsyncConnection, Connection


def read_rows(statement: Statement) -> Steps[Sequence[Row]]:
    """Run one statement and return its rows."""
    [rows] = yield [statement]
    return rows


def read_row(statement: Statement) -> Steps[Row]:
    """Run one statement that always returns exactly one row (a count, for example), and return that row."""
    [[row]] = yield [statement]
    return row


def run(connection: Connection, steps: Steps[Result]) -> Result:
    """Run the steps on this connection, and return their result."""
    try:
        statements = next(steps)
        while True:
            cursors = [connection.execute(one.sql, one.arguments, binary=one.is_binary) for one in statements]
            statements = steps.send([cursor.fetchall() for cursor in cursors])
    except StopIteration as end:
        result: Result = end.value
        return result


async def run_async(connection: AsyncConnection, steps: Steps[Result]) -> Result:
    """Run the steps on this connection, and return their result."""
    try:
        statements = next(steps)
        while True:
            cursors = [await connection.execute(one.sql, one.arguments, binary=one.is_binary) for one in statements]
            statements = steps.send([await cursor.fetchall() for cursor in cursors])
    except StopIteration as end:
        result: Result = end.value
        return result
