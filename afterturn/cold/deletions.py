"""Objects to delete: each has a row, so that no crash leaves an object that nobody knows.

A process that was paused may write an object after somebody else gave the move up. The rows of such objects stay for a
day, and the objects are deleted again.
"""

from __future__ import annotations

from afterturn.cold.object_store import ColdStore, open_store
from afterturn.database import queries
from afterturn.database.pool import Connection

_SQL = queries.load("cold")

#: Objects that one call deletes.
_LIMIT = 500


def open_for_writing(connection: Connection, url: str) -> ColdStore:
    """Return the store. Its folder is created if nothing was stored yet; later a missing folder is an outage.

    Raises ColdUnavailable.
    """
    store = open_store(url)
    row = connection.execute(_SQL["has_stored"]).fetchone()
    if row is not None and not row["has_stored"]:
        store.create_folder()
    return store


def order(connection: Connection, keys: list[str], *, is_in_flight: bool) -> None:
    """Order that objects be deleted, in the transaction after which nothing names them.

    Args:
        connection: in that transaction.
        keys: the objects.
        is_in_flight: whether another process may still write them.
    """
    connection.execute(_SQL["order_deletions"], {"keys": keys, "keep_seconds": 86_400 if is_in_flight else 0})


def carry_out(connection: Connection, url: str, *, is_forced: bool = False) -> int:
    """Delete the objects that are due, and return how many. Raises ColdUnavailable.

    Args:
        connection: not in a transaction.
        url: AFTERTURN_COLD_URL.
        is_forced: also delete those again that were deleted a moment ago.
    """
    store = open_for_writing(connection, url)
    rows = connection.execute(_SQL["due_deletions"], {"is_forced": is_forced, "limit": _LIMIT}).fetchall()
    for row in rows:
        store.delete(row["key"])
        connection.execute(_SQL["deleted"], {"key": row["key"]})
    return len(rows)
