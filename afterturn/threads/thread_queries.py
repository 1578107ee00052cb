"""SQL statements that read threads, as data, and the parsing of their rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from afterturn.database import queries
from afterturn.database.statement import Row, Statement
from afterturn.scopes import UserScope
from afterturn.threads import thread
from afterturn.threads.thread import Thread

_SQL = queries.load("threads")


def threads_statement(
    user: UserScope,
    hidden: Collection[tuple[str, str]],
    *,
    resting_on: Sequence[UUID] | None = None,
    limit: int = 1_000,
) -> Statement:
    """Return the statement that reads threads, the one that was last said something about first.

    Args:
        user: whose threads.
        hidden: (session id, turn id) of turns that are removed, but not yet in Postgres.
        resting_on: only threads that rest on one of these facts; None: all.
        limit: the largest number of threads.
    """
    arguments = user.key | {
        "wrong": list(thread.WRONG),
        "hidden_sessions": [session_id for session_id, _ in hidden],
        "hidden_turns": [turn_id for _, turn_id in hidden],
        "resting_on": None if resting_on is None else list(resting_on),
        "limit": limit,
    }
    return Statement(_SQL["read"], arguments)


def parse_threads(rows: Sequence[Row]) -> list[Thread]:
    """Return the threads in the rows of `threads_statement`, without those of which too little is left."""
    return [parsed for row in rows if (parsed := thread.parse_thread(row)) is not None]
