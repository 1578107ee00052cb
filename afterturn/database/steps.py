"""Run steps on a connection. Steps yield statements and decode the rows; they do no I/O themselves.

So each query and its decoding is written once for synchronous code and asyncio.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from afterturn.database.statement import Answers, Result, Row, Statement, Steps
from afterturn.driving import drive, drive_async

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
    return drive(steps, lambda statements: _run_statements(connection, statements))


async def run_async(connection: AsyncConnection, steps: Steps[Result]) -> Result:
    """Run the steps on this connection, and return their result."""
    return await drive_async(steps, lambda statements: _run_statements_async(connection, statements))


def _run_statements(connection: Connection, statements: Sequence[Statement]) -> Answers:
    """Send all statements, then read all results: in pipeline mode this is one round trip."""
    cursors = [connection.execute(one.sql, one.arguments, binary=one.is_binary) for one in statements]
    return [cursor.fetchall() for cursor in cursors]


async def _run_statements_async(connection: AsyncConnection, statements: Sequence[Statement]) -> Answers:
    """Send all statements, then read all results, with asyncio."""
    cursors = [await connection.execute(one.sql, one.arguments, binary=one.is_binary) for one in statements]
    return [await cursor.fetchall() for cursor in cursors]
