"""The tables whose rows belong to a user, as the database itself names them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from psycopg import sql

from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.scopes import UserScope

_SQL = queries.load("owned")

#: Rows that one round trip brings.
_ROWS_PER_FETCH = 500


def tables(connection: Connection) -> dict[str, list[str]]:
    """Return each such table with the columns of its primary key."""
    return {row["name"]: row["primary_key"] for row in connection.execute(_SQL["owned_tables"]).fetchall()}


def rows(connection: Connection, scope: UserScope) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a user's rows of every table, as of one moment, each with its table's name and as JSON has it."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.execute(_SQL["allow_time"])
        for table, primary_key in tables(connection).items():
            statement = sql.SQL(_SQL["owned_rows"]).format(
                table=sql.Identifier(table), primary_key=sql.SQL(", ").join(map(sql.Identifier, primary_key))
            )
            # A cursor of the server's: a large memory does not have to fit in this process.
            with connection.cursor(name="owned_rows") as cursor:
                cursor.itersize = _ROWS_PER_FETCH
                cursor.execute(statement, scope.key)
                for row in cursor:
                    yield table, row["row"]
