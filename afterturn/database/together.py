"""Run statements of a user in one transaction and one round trip, by Postgres's simple protocol.

A transaction of `pool.user_transaction` sends each statement by itself and waits several times for the socket. Here the
statements are one message, with their arguments as quoted literals (psycopg's ClientCursor). The server runs such a
message as one transaction. One statement that names its user itself is sent as it is, which takes the driver less time.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from afterturn.database import deadlines
from afterturn.database.connect_errors import translate_connection_errors
from afterturn.database.pool import SET_USER, AsyncConnection, Connection, recording_failures
from afterturn.database.statement import Answers, Row, Statement
from afterturn.scopes import UserScope


def run_together(pool: ConnectionPool[Connection], scope: UserScope, statements: Sequence[Statement]) -> Answers:
    """Run statements that can access this user's rows only, all or none, and return their rows.

    Raises MemoryUnavailable, like `pool.user_transaction`.
    """
    deadline = time.monotonic() + pool.timeout
    with (
        translate_connection_errors(),
        recording_failures(pool),
        pool.connection() as connection,
        deadlines.apply_deadline(connection, deadline),
    ):
        if _names_user(statements):
            return [connection.execute(each.sql, each.arguments).fetchall() for each in statements]
        with psycopg.ClientCursor(connection) as cursor:
            cursor.execute(_message(cursor, scope, statements))
            return _read_results(cursor)


async def run_together_async(
    pool: AsyncConnectionPool[AsyncConnection], scope: UserScope, statements: Sequence[Statement]
) -> Answers:
    """Run statements with asyncio. See `run_together`."""
    deadline = time.monotonic() + pool.timeout
    with translate_connection_errors(), recording_failures(pool):
        async with pool.connection() as connection:
            with deadlines.apply_deadline(connection, deadline):
                if _names_user(statements):
                    cursors = [await connection.execute(each.sql, each.arguments) for each in statements]
                    return [await cursor.fetchall() for cursor in cursors]
                async with psycopg.AsyncClientCursor(connection) as cursor:
                    await cursor.execute(_message(cursor, scope, statements))
                    answers: list[Sequence[Row]] = []
                    while cursor.nextset():
                        answers.append(await cursor.fetchall())
                    return answers


def _names_user(statements: Sequence[Statement]) -> bool:
    return len(statements) == 1 and statements[0].names_user


def _message(
    cursor: psycopg.ClientCursor[Any] | psycopg.AsyncClientCursor[Any],
    scope: UserScope,
    statements: Sequence[Statement],
) -> bytes:
    """Return all statements, after the one that sets the user."""
    texts = [cursor.mogrify(SET_USER, (scope.tenant_id, scope.user_id))]
    texts += [cursor.mogrify(each.sql, each.arguments) for each in statements]
    return ";\n".join(texts).encode()


def _read_results(cursor: psycopg.ClientCursor[Any]) -> Answers:
    """Return the rows of each statement but the first."""
    answers: list[Sequence[Row]] = []
    while cursor.nextset():
        answers.append(cursor.fetchall())
    return answers
