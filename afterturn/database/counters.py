"""Counters of what happens rarely and must be seen, kept in Postgres."""

from __future__ import annotations

from afterturn.database.pool import Connection
from afterturn.database.statement import Statement, Steps
from afterturn.database.steps import read_rows

#: A worker woke up, or was overtaken, and its write was refused by a fence.
STALE_WRITES_REFUSED = "stale_writes_refused"
#: A batch, or a whole memory, was read again because its user's memory had changed meanwhile.
VERSION_CONFLICTS = "version_conflicts"
#: A model said something in a summary without naming what it rests on; it was left out.
STATEMENTS_DROPPED = "summary_statements_dropped"


def add(connection: Connection, name: str, count: int = 1) -> None:
    """Count so many more."""
    connection.execute(
        "INSERT INTO counters (name, count) VALUES (%s, %s) "
        "ON CONFLICT (name) DO UPDATE SET count = counters.count + EXCLUDED.count, last_at = now()",
        (name, count),
    )


def read_counters() -> Steps[dict[str, int]]:
    """Return all counters by name."""
    rows = yield from read_rows(Statement("SELECT name, count FROM counters", {}))
    return {row["name"]: row["count"] for row in rows}
