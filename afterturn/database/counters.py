"""Counters of rare events that an operator must see, stored in Postgres."""

from __future__ import annotations

from afterturn.database.pool import Connection
from afterturn.database.statement import Statement, Steps
from afterturn.database.steps import read_rows

#: A worker's lease had expired or another worker had taken it, and a fence refused its write.
STALE_WRITES_REFUSED = "stale_writes_refused"
#: A batch or a whole memory was read again, because the user's memory had changed since the first read.
VERSION_CONFLICTS = "version_conflicts"
#: A statement of an LLM's summary was left out because it named no entry.
STATEMENTS_DROPPED = "summary_statements_dropped"
#: A step of an LLM's thread was left out because no fact supports it.
THREAD_STEPS_DROPPED = "thread_steps_dropped"

#: A pair in a judge's answer was left undecided because its labels or its verdict could not be read.
PAIRS_UNREADABLE = "judge_pairs_unreadable"


def increment(connection: Connection, name: str, count: int = 1) -> None:
    """Add `count` to a counter."""
    connection.execute(
        "INSERT INTO counters (name, count) VALUES (%s, %s) "
        "ON CONFLICT (name) DO UPDATE SET count = counters.count + EXCLUDED.count, last_at = now()",
        (name, count),
    )


def read_counters() -> Steps[dict[str, int]]:
    """Return the values of all counters by name."""
    rows = yield from read_rows(Statement("SELECT name, count FROM counters", {}))
    return {row["name"]: row["count"] for row in rows}
