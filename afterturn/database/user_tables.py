"""The store of users' data in Postgres: its rows are exported, deleted and scrubbed.

The list of tables comes from the database, so that a table that a later release adds is included.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from afterturn import faults
from afterturn.database import moved_rows, named_users, pool, queries, vacuum
from afterturn.database.connect_errors import translate_connection_errors
from afterturn.database.connection_string import get_connection_string
from afterturn.database.pool import Connection
from afterturn.scopes import UserScope
from afterturn.settings import Settings
from afterturn.user_store import Erasure, Record, ScrubStep, UserMerge, UserStore

_SQL = queries.load("owned")
_DOCUMENTS = queries.load("documents")

#: Rows per round trip.
_ROWS_PER_FETCH = 500
#: Turns whose texts are read from the cold archive at once.
_TURNS_PER_READ = 500

#: Adds the texts to rows of turns of a user.
CompleteTurns: TypeAlias = Callable[[UserScope, Sequence[dict[str, Any]]], None]


def tables(connection: Connection) -> dict[str, list[str]]:
    """Return each table whose rows belong to a user, with the columns of its primary key."""
    return {row["name"]: row["primary_key"] for row in connection.execute(_SQL["owned_tables"]).fetchall()}


class UserTables(UserStore):
    """The data of users in Postgres."""

    name = "postgres"
    remains: Mapping[str, str] = {
        "Postgres, dead rows": "until autovacuum comes by, or `afterturn scrub` is run",
        "Postgres, write-ahead log": "until its segments are dropped after a checkpoint, or `afterturn scrub` is run",
    }

    def __init__(self, settings: Settings, *, complete_turns: CompleteTurns) -> None:
        """Open no connection.

        Args:
            settings: the address of the server.
            complete_turns: adds the texts to rows of turns that are in the cold archive.
        """
        self._settings = settings
        self._complete_turns = complete_turns

    def records(self, user: UserScope) -> Iterator[Record]:
        """Yield the user's rows of every table, from one snapshot."""
        with pool.worker_connection(self._settings) as connection, connection.transaction():
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            connection.execute(_SQL["allow_time"])
            for table, primary_key in tables(connection).items():
                records = _rows(connection, user, table, primary_key)
                yield from self._with_texts(user, records) if table == "turns" else records
            yield from named_users.records(connection, user)

    def _with_texts(self, user: UserScope, records: Iterator[Record]) -> Iterator[Record]:
        """Yield rows of turns with their texts, so that they are the same wherever a text is."""
        while chunk := list(itertools.islice(records, _TURNS_PER_READ)):
            rows = [record.values["row"] for record in chunk]
            cold = [row for row in rows if row.pop("cold_digest") is not None]
            for row in rows:
                del row["cold_object"]
            if cold:
                self._complete_turns(user, cold)
            yield from chunk

    def complete(self, erasure: Erasure, connection: Connection) -> Counter[str]:
        """Delete the user's rows of every table, and the user's name in rows of others.

        The leases come first: their holders then cannot write any more.
        """
        removed: Counter[str] = Counter()
        # Clients write documents themselves: what they have acknowledged so far is committed after this.
        connection.execute(_DOCUMENTS["lock_erasure"], erasure.user.key)
        names = [name for name in tables(connection) if name != "erasures"]
        for name in sorted(names, key=lambda name: (name != "leases", name)):
            statement = sql.SQL(_SQL["delete_owned"]).format(table=sql.Identifier(name))
            removed[name] = connection.execute(statement, erasure.user.key).rowcount
        removed += named_users.remove(connection, erasure)
        # The request creates that row if it is missing, so its count would claim that an unknown user was known.
        del removed["users"]
        faults.point("erase.rows_deleted")
        return removed

    def move(self, merge: UserMerge, connection: Connection) -> Counter[str]:
        """Give the rows of every table to another user."""
        # A document that a client puts meanwhile is moved, or refused.
        connection.execute(_DOCUMENTS["lock_erasure"], merge.source.key)
        return moved_rows.move_rows(connection, merge, tables(connection))

    def scrub(self, *, rewrite: bool) -> Iterator[ScrubStep]:
        """Remove dead rows and old segments of the write-ahead log. Raises MemoryUnavailable."""
        # Without SET ROLE: only the owner of a table may vacuum it.
        url = get_connection_string(self._settings)
        with (
            translate_connection_errors(),
            psycopg.connect(url, autocommit=True, row_factory=dict_row, connect_timeout=10) as connection,
        ):
            yield from vacuum.steps(connection, [*tables(connection), *named_users.TABLES], rewrite=rewrite)


def _rows(connection: Connection, user: UserScope, table: str, primary_key: list[str]) -> Iterator[Record]:
    statement = sql.SQL(_SQL["owned_rows"]).format(
        table=sql.Identifier(table), primary_key=sql.SQL(", ").join(map(sql.Identifier, primary_key))
    )
    # A server-side cursor: a large memory need not fit into this process.
    with connection.cursor(name="owned_rows") as cursor:
        cursor.itersize = _ROWS_PER_FETCH
        cursor.execute(statement, user.key)
        for found in cursor:
            row = found["row"]
            if table == "vectors":
                row["embedding"] = json.loads(row["embedding"])
            yield Record(kind=table, values={"table": table, "row": row})
