"""Rows that name a user without belonging to the user: keys, and entries of the access log.

They stay when the user is forgotten, without the name. In the log the owner hash takes its place, as in the row of the
erasure: so the log still shows that somebody was exported, and when.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.scopes import UserScope
from afterturn.user_store import Erasure, Record

_SQL = queries.load("named_users")
_MERGES_SQL = queries.load("merges")

#: Their dead rows hold the names that were removed.
TABLES = ("access_log", "api_keys", "user_merges")


def records(connection: Connection, user: UserScope) -> Iterator[Record]:
    """Yield the rows that name the user. Keys come without their digests and without other users."""
    for query, table in (("keys", "api_keys"), ("entries", "access_log")):
        for found in connection.execute(_SQL[query], user.key).fetchall():
            yield Record(kind=table, values={"table": table, "row": found["row"]})
    for found in connection.execute(_MERGES_SQL["rows_naming"], user.key).fetchall():
        yield Record(kind="user_merges", values={"table": "user_merges", "row": found["row"]})


def remove(connection: Connection, erasure: Erasure) -> Counter[str]:
    """Remove the user's name from these rows, and return the number of changed keys.

    Entries of the log are not counted: the erasure itself has one.
    """
    values = erasure.user.key | {"owner_hash": erasure.owner_hash}
    for query in ("hide_in_entries", "hide_actor"):
        connection.execute(_SQL[query], values)
    connection.execute(_MERGES_SQL["forget_names"], values)
    return Counter(api_keys=connection.execute(_SQL["remove_from_keys"], values).rowcount)
