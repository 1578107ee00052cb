"""Remove deleted rows from disk: dead rows of the tables, samples in statistics, and old segments of the log."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import LiteralString

import psycopg
from psycopg import sql

from afterturn.database import queries
from afterturn.database.pool import WORKER_ROLE, Connection
from afterturn.user_store import ScrubStep

_SQL = queries.load("scrub")

#: How long older transactions may delay a scrub. Those of workers and agents take less than a second; an export of a
#: large memory, or a report of somebody else, takes minutes.
WAIT_SECONDS = 60.0
_POLL_SECONDS = 0.1
#: FREEZE waits for pages that a query is reading; INDEX_CLEANUP removes the entries of indexes also if they are few.
#: Without them VACUUM leaves such rows to the next one.
_OPTIONS: LiteralString = "FREEZE, INDEX_CLEANUP ON, ANALYZE"
_REWRITE: LiteralString = "FULL, ANALYZE"
#: An ANALYZE at the same moment changes the same statistics.
_ATTEMPTS = 3


def steps(
    connection: Connection, tables: Sequence[str], *, rewrite: bool, wait_seconds: float = WAIT_SECONDS
) -> Iterator[ScrubStep]:
    """Remove dead rows, then switch to a new segment of the log, so that old segments can be dropped.

    Rows that are deleted after it began are not waited for: on a system in use there are always some.

    Args:
        connection: with a login that may vacuum the tables, autocommit, and no statement timeout.
        tables: the tables to vacuum.
        rewrite: rewrite the tables (VACUUM FULL), which also removes old rows from free space; it locks each table.
        wait_seconds: how long to wait for older transactions, which may still read deleted rows.
    """
    older = _wait_for_older_transactions(connection, wait_seconds)
    for table in tables:
        yield _vacuum(connection, table, _REWRITE if rewrite else _OPTIONS)
    yield _dead_rows(older)
    yield _statistics(connection)
    yield _end_of_log(connection)


def _wait_for_older_transactions(connection: Connection, wait_seconds: float) -> list[str]:
    """Wait until no transaction is older than this call, and return the names of those that are after that time."""
    began = connection.execute(_SQL["current_transaction"]).fetchone() or {}
    deadline = time.monotonic() + wait_seconds
    while True:
        older = [row["name"] for row in connection.execute(_SQL["older_transactions"], began).fetchall()]
        if not older or time.monotonic() >= deadline:
            return older
        time.sleep(_POLL_SECONDS)


def _vacuum(connection: Connection, table: str, options: LiteralString) -> ScrubStep:
    warnings: list[str] = []

    def note(notice: psycopg.errors.Diagnostic) -> None:
        # Without the permission, VACUUM only warns.
        warnings.append(notice.message_primary or "")

    connection.add_notice_handler(note)
    try:
        connection.execute(sql.SQL("VACUUM ({}) {}").format(sql.SQL(options), sql.Identifier(table)))
    except psycopg.Error as error:
        warnings.append(_reason(error))
    finally:
        connection.remove_notice_handler(note)
    return ScrubStep(name=f"vacuum {table}", is_done=not warnings, detail="; ".join(warnings) or "done")


def _dead_rows(older: Sequence[str]) -> ScrubStep:
    detail = "none is left of what was deleted before"
    if older:
        detail = f"some may still be visible to {', '.join(older[:3])}: end it, or run this again later"
    return ScrubStep(name="dead rows", is_done=not older, detail=detail)


def _statistics(connection: Connection) -> ScrubStep:
    """Delete the statistics of tables without rows: ANALYZE, which is a part of each vacuum, leaves them."""
    name = "planner statistics"
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with connection.transaction():
                connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(WORKER_ROLE)))
                row = connection.execute(_SQL["clear_statistics"]).fetchone() or {}
            break
        except psycopg.Error as error:
            if attempt == _ATTEMPTS:
                return ScrubStep(name=name, is_done=False, detail=_reason(error))
    if not row["remaining"]:
        return ScrubStep(name=name, is_done=True, detail="no id is left of what was deleted before")
    detail = f"ids may stay in those of {row['remaining']} empty tables, whose owner is no superuser"
    return ScrubStep(name=name, is_done=False, detail=detail)


def _end_of_log(connection: Connection) -> ScrubStep:
    name = "write-ahead log"
    try:
        connection.execute("SELECT pg_switch_wal()")
        connection.execute("CHECKPOINT")
        row = connection.execute("SELECT current_setting('wal_recycle') AS wal_recycle").fetchone()
    except psycopg.Error as error:
        return ScrubStep(name=name, is_done=False, detail=_reason(error))
    if row is not None and row["wal_recycle"] == "off":
        return ScrubStep(name=name, is_done=True, detail="old segments are deleted")
    detail = "old segments wait to be overwritten, because wal_recycle is on: docs/how-to/forgetting.md"
    return ScrubStep(name=name, is_done=False, detail=detail)


def _reason(error: psycopg.Error) -> str:
    return f"{type(error).__name__}: {error.diag.message_primary or 'no answer'}"
