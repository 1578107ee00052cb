"""Runs steps on a connection: steps say which statements to run and what their answers mean, and do no I/O themselves.

So what is read, and how, is written once for synchronous code and asyncio.
"""

from __future__ import annotations

from collections.abc import Sequence

from afterturn.database.pool import AsyncConnection, Connection
from afterturn.database.statement import Result, Row, Statement, Steps


def read_rows(statement: Statement) -> Steps[Sequence[Row]]:
    """Run one statement and return its rows."""
    [rows] = yield [statement]
    return rows


def read_row(statement: Statement) -> Steps[Row]:
    """Run one statement that always gives exactly one row, as a count does, and return that row."""
    [[row]] = yield [statement]
    return row


def run(connection: Connection, steps: Steps[Result]) -> Result:
    """Take the steps on this connection, and return their result."""
    try:
        statements = next(steps)
        while True:
            cursors = [connection.execute(one.sql, one.arguments, binary=one.is_binary) for one in statements]
            statements = steps.send([cursor.fetchall() for cursor in cursors])
    except StopIteration as end:
        result: Result = end.value
        return result


async def run_async(connection: AsyncConnection, steps: Steps[Result]) -> Result:
    """Take the steps on this connection, and return their result."""
    try:
        statements = next(steps)
        while True:
            cursors = [await connection.execute(one.sql, one.arguments, binary=one.is_binary) for one in statements]
            statements = steps.send([await cursor.fetchall() for cursor in cursors])
    except StopIteration as end:
        result: Result = end.value
        return result
