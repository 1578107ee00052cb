"""Scrub: ends what physically remains of deleted content in Postgres and Redis: dead tuples, write-ahead log, AOF.

Each step says what it did, or why it could not. Backups, replicas' own files and the blocks that a file system has
freed are beyond it: docs/how-to/forgetting.md.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, LiteralString, cast

import psycopg
import redis
from psycopg import sql
from redis.exceptions import ResponseError

from afterturn.database import user_tables
from afterturn.database.pool import Connection

_POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was tried."""

    name: str
    is_done: bool
    #: What was done, or why it could not be.
    detail: str


def postgres(connection: Connection, *, rewrite: bool = False) -> Iterator[Step]:
    """Remove dead tuples, then switch to a new segment of the log and let the old ones go.

    Args:
        connection: of the login that owns the tables, with autocommit and without a statement timeout.
        rewrite: write the tables anew, so that not even free space in a page holds an old row; locks each meanwhile.
    """
    tables = list(user_tables.tables(connection))
    for table in tables:
        yield _vacuum(connection, table, "FULL, ANALYZE" if rewrite else "ANALYZE")
    yield _dead_rows(connection, tables)
    yield _end_of_log(connection)


def _vacuum(connection: Connection, table: str, options: LiteralString) -> Step:
    warnings: list[str] = []

    def note(notice: psycopg.errors.Diagnostic) -> None:
        # Without the right to do so, VACUUM warns and does nothing.
        warnings.append(notice.message_primary or "")

    connection.add_notice_handler(note)
    try:
        connection.execute(sql.SQL("VACUUM ({}) {}").format(sql.SQL(options), sql.Identifier(table)))
    except psycopg.Error as error:
        warnings.append(_reason(error))
    finally:
        connection.remove_notice_handler(note)
    return Step(name=f"vacuum {table}", is_done=not warnings, detail="; ".join(warnings) or "done")


def _dead_rows(connection: Connection, tables: list[str]) -> Step:
    row = connection.execute(
        "SELECT coalesce(sum(n_dead_tup), 0)::bigint AS dead FROM pg_stat_user_tables "
        "WHERE schemaname = current_schema() AND relname = ANY(%s)",
        (tables,),
    ).fetchone()
    dead = 0 if row is None else row["dead"]
    detail = f"{dead} are still visible to an older transaction: run it again later" if dead else "none is left"
    return Step(name="dead rows", is_done=not dead, detail=detail)


def _end_of_log(connection: Connection) -> Step:
    try:
        connection.execute("SELECT pg_switch_wal()")
        connection.execute("CHECKPOINT")
        row = connection.execute("SELECT current_setting('wal_recycle') AS wal_recycle").fetchone()
    except psycopg.Error as error:
        return Step(name="write-ahead log", is_done=False, detail=_reason(error))
    if row is not None and row["wal_recycle"] == "off":
        return Step(name="write-ahead log", is_done=True, detail="old segments are deleted")
    detail = "old segments wait to be overwritten, because wal_recycle is on: docs/how-to/forgetting.md"
    return Step(name="write-ahead log", is_done=False, detail=detail)


def hot_store(client: redis.Redis, *, wait_seconds: float = 600.0) -> Step:
    """Have Redis write its append-only file anew, and wait for it."""
    name = "append-only file"
    try:
        if not _state(client)["aof_enabled"]:
            return Step(name=name, is_done=True, detail="there is none; a snapshot, if any, ends with the next one")
        _rewrite(client, wait_seconds)
    except (redis.RedisError, TimeoutError) as error:
        return Step(name=name, is_done=False, detail=f"{type(error).__name__}: {error}")
    return Step(name=name, is_done=True, detail="written anew")


def _rewrite(client: redis.Redis, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    # A rewrite that was under way when this began may hold what was deleted since: ours must come after it.
    while not _has_begun(client):
        _wait(deadline)
    while (state := _state(client))["aof_rewrite_in_progress"] or state["aof_rewrite_scheduled"]:
        _wait(deadline)
    if state["aof_last_bgrewrite_status"] != "ok":
        raise TimeoutError("the rewrite failed; Redis's log says why")


def _has_begun(client: redis.Redis) -> bool:
    try:
        client.bgrewriteaof()  # type: ignore[no-untyped-call]
    except ResponseError as error:
        if "already in progress" in str(error):
            return False
        raise
    return True


def _state(client: redis.Redis) -> dict[str, Any]:
    return cast(dict[str, Any], client.info("persistence"))


def _wait(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise TimeoutError("it takes too long")
    time.sleep(_POLL_SECONDS)


def _reason(error: psycopg.Error) -> str:
    return f"{type(error).__name__}: {error.diag.message_primary or 'no answer'}"
