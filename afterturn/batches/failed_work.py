"""Failures of work on a session or a whole memory: summaries and sleeps. They count as failures of batches do.

Such work is owed while a row says so, and the sweep finds it again. Without a count, work that always fails would be
repeated for ever, and nobody would see it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import redis

from afterturn.batches import leases
from afterturn.batches.claims import MAX_PAUSE_SECONDS, Servers
from afterturn.batches.leases import Lease
from afterturn.database import connect_errors, counters, queries, sqlstates
from afterturn.database.pool import Connection
from afterturn.errors import ModelUnavailable, StaleLease, TransitionRefused, VersionConflict
from afterturn.scopes import UserScope

logger = logging.getLogger(__name__)

_SQL = queries.load("failed_work")


@contextmanager
def recording_failure(runtime: Servers, lease: Lease) -> Iterator[None]:
    """Release the lease if the block fails, record the failure, and stop renewing the lease when the block has ended.

    - A refused transition is only counted: another worker does the work, or has done it.
    - An unavailable endpoint uses up no attempt: the work stays owed.
    - If Redis or Postgres is away, nothing is recorded. The lease lapses, and the sweep finds the work.
    - Any other error counts as an attempt, and is raised. After the last attempt the work is a dead letter.

    Args:
        runtime: the servers.
        lease: of kind `summary` or `sleep`. The block releases it in the transaction that commits its work.
    """
    try:
        yield
    except TransitionRefused as error:
        logger.warning("the %s of %s %s waits: %s", lease.kind, lease.scope, lease.item, error)
        _release(runtime, lease, error)
    except ModelUnavailable as error:
        logger.warning("the %s of %s %s waits: %s", lease.kind, lease.scope, lease.item, error)
        _release(runtime, lease)
    except Exception as error:
        if isinstance(error, redis.RedisError) or sqlstates.is_passing(error):
            reason = connect_errors.public_error(error)
            logger.warning("the %s of %s waits for a server: %s", lease.kind, lease.scope, reason)
        else:
            _count_failure(runtime, lease, f"internal: {sqlstates.describe(error)}")
        raise
    finally:
        runtime.leases.forget(lease)


def _release(runtime: Servers, lease: Lease, error: TransitionRefused | None = None) -> None:
    with runtime.postgres.connection() as connection:
        leases.try_release(connection, lease)
        if error is not None:
            is_conflict = isinstance(error, VersionConflict)
            counters.increment(connection, counters.VERSION_CONFLICTS if is_conflict else counters.STALE_WRITES_REFUSED)


def _count_failure(runtime: Servers, lease: Lease, reason: str) -> None:
    """Release the lease and count the failure. Count nothing if another worker has taken the lease over."""
    arguments = {
        "kind": lease.kind,
        "item": lease.item,
        "reason": reason,
        "attempts": runtime.settings.attempts,
        "retry_seconds": runtime.settings.retry_seconds,
        "max_seconds": MAX_PAUSE_SECONDS,
    }
    try:
        with runtime.postgres.connection() as connection, connection.transaction():
            leases.release(connection, lease)
            row = connection.execute(_SQL["fail"], lease.scope.key | arguments).fetchone()
    except StaleLease as error:
        logger.warning("the %s of %s: %s", lease.kind, lease.scope, error)
        return
    if row is not None and row["is_dead"]:
        logger.error("the %s of %s %s is dead: %s", lease.kind, lease.scope, lease.item, reason)
    elif row is not None:
        logger.warning("the %s of %s failed, attempt %d: %s", lease.kind, lease.scope, row["attempts"], reason)


def replay(connection: Connection, scope: UserScope, dead_ids: Sequence[UUID]) -> list[Any]:
    """Let dead ones be tried again, in the caller's transaction. Returns their rows."""
    return connection.execute(_SQL["replay"], scope.key | {"dead_ids": list(dead_ids)}).fetchall()


def discard(connection: Connection, scope: UserScope, dead_ids: Sequence[UUID]) -> list[Any]:
    """Discard dead ones, in the caller's transaction. Returns their rows."""
    return connection.execute(_SQL["discard"], scope.key | {"dead_ids": list(dead_ids)}).fetchall()
