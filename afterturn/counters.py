"""Counters of what happens rarely and must be seen, kept in Postgres."""

from __future__ import annotations

from afterturn.database.pool import Connection

#: A worker woke up, or was overtaken, and its write was refused by a fence.
STALE_WRITES_REFUSED = "stale_writes_refused"
#: A batch was read again because its user's memory had changed meanwhile.
VERSION_CONFLICTS = "version_conflicts"


def add(connection: Connection, name: str) -> None:
    """Count one more."""
    connection.execute(
        "INSERT INTO counters (name, count) VALUES (%s, 1) "
        "ON CONFLICT (name) DO UPDATE SET count = counters.count + 1, last_at = now()",
        (name,),
    )


def read(connection: Connection) -> dict[str, int]:
    """Return all counters by name."""
    return {row["name"]: row["count"] for row in connection.execute("SELECT name, count FROM counters").fetchall()}
