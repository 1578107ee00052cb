"""Refuse a pooler in transaction mode (docs/explanation/decisions/029), before anything is set on a connection.

PgBouncer, and most other poolers, give a client a process id of their own. If it differs from the id of the server
process, the connection goes through a pooler. In session mode, a server process serves one client until that client
disconnects. In transaction mode, it serves several clients in turn: two clients see the same process, or one client
sees two.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg
from psycopg.rows import dict_row

from afterturn.database import queries
from afterturn.database.deadlines import DeadlineConnection, apply_deadline
from afterturn.errors import DatabaseMisconfigured

_SQL = queries.load("connection")

#: How often two connections query alternately. On a busy pooler another client may interfere once, but not ten times.
_ROUNDS = 10
#: How long the second connection waits for a server process. A pooler in session mode with one process gives it none.
_WAIT_SECONDS = 3.0

_REFUSED = (
    "AFTERTURN_POSTGRES_URL leads to a pooler in transaction mode (or statement mode), in which the role and the "
    "settings of one connection would apply to other clients. Use session mode: in pgbouncer.ini give the database an "
    "entry with `pool_mode=session`, or use the port of the pooler that has it, or connect to Postgres directly"
)

#: Connection strings that are known to lead to a server, or to a pooler in session mode.
_checked: set[str] = set()


def check_pooler(connection: psycopg.Connection[Any], connection_string: str) -> None:
    """Raise DatabaseMisconfigured if there is a pooler in transaction mode. Checks once per process and database."""
    if connection_string in _checked:
        return
    if connection.execute(_SQL["backend"]).fetchone() != _own_row(connection):
        _check_mode(connection_string)
    _checked.add(connection_string)


async def check_pooler_async(connection: psycopg.AsyncConnection[Any], connection_string: str) -> None:
    """Do the same for asyncio. The check itself blocks the event loop, once, and only if there is a pooler."""
    if connection_string in _checked:
        return
    cursor = await connection.execute(_SQL["backend"])
    if await cursor.fetchone() != _own_row(connection):
        _check_mode(connection_string)
    _checked.add(connection_string)


def _own_row(connection: psycopg.BaseConnection[Any]) -> dict[str, int]:
    return {"process_id": connection.info.backend_pid}


def _check_mode(connection_string: str) -> None:
    """Read the server process of two connections alternately. Raises DatabaseMisconfigured."""
    # Without prepared statements: in transaction mode those of one client would disturb the other.
    options: dict[str, Any] = {"autocommit": True, "row_factory": dict_row, "prepare_threshold": None}
    with (
        DeadlineConnection.connect(connection_string, connect_timeout=5, **options) as first,
        DeadlineConnection.connect(connection_string, connect_timeout=5, **options) as second,
    ):
        seen: set[tuple[int, int]] = set()
        for _ in range(_ROUNDS):
            # The first connection twice: a pooler that alternates two processes would otherwise look like session mode.
            for number, connection in ((0, first), (0, first), (1, second)):
                process_id = _ask(connection)
                if process_id is None:
                    return
                seen.add((number, process_id))
    if len(seen) > 2 or len({process_id for _, process_id in seen}) < 2:
        raise DatabaseMisconfigured(_REFUSED)


def _ask(connection: DeadlineConnection) -> int | None:
    """Return the id of the server process; None if the pooler assigns none in time."""
    try:
        with apply_deadline(connection, time.monotonic() + _WAIT_SECONDS):
            row = connection.execute(_SQL["backend"]).fetchone()
    except psycopg.OperationalError:
        return None
    assert row is not None
    return int(row["process_id"])
