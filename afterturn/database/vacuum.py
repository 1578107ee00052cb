"""Remove deleted rows from disk: dead rows of the tables, and old segments of the write-ahead log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import LiteralString

import psycopg
from psycopg import sql

from afterturn.database.pool import Connection
from afterturn.user_store import ScrubStep


def steps(connection: Connection, tables: Sequence[str], *, rewrite: bool) -> Iterator[ScrubStep]:
    """Remove dead rows, then switch to a new segment of the log, so that old segments can be dropped.

    Args:
        connection: with the login that owns the tables, autocommit, and no statement timeout.
        tables: the tables to vacuum.
        rewrite: rewrite the tables (VACUUM FULL), which also removes old rows from free space; it locks each table.
    """
    for table in tables:
        yield _vacuum(connection, table, "FULL, ANALYZE" if rewrite else "ANALYZE")
    yield _dead_rows(connection, tables)
    yield _end_of_log(connection)


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


def _dead_rows(connection: Connection, tables: Sequence[str]) -> ScrubStep:
    row = connection.execute(
        "SELECT coalesce(sum(n_dead_tup), 0)::bigint AS dead FROM pg_stat_user_tables "
        "WHERE schemaname = current_schema() AND relname = ANY(%s)",
        (list(tables),),
    ).fetchone()
    dead = 0 if row is None else row["dead"]
    detail = f"{dead} are still visible to an older transaction: run it again later" if dead else "none is left"
    return ScrubStep(name="dead rows", is_done=not dead, detail=detail)


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
