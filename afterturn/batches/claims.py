"""Claiming a batch for one transition, and writing down how the attempt ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import psycopg
import redis
from psycopg_pool import ConnectionPool, PoolTimeout

from afterturn import faults
from afterturn.batches import batch_row, leases
from afterturn.batches.batch_row import Batch
from afterturn.batches.leases import Lease, LeaseKeeper
from afterturn.database import counters, queries
from afterturn.database.pool import Connection
from afterturn.errors import (
    BudgetExhausted,
    ModelRefused,
    ModelUnavailable,
    StaleLease,
    TransitionRefused,
    VersionConflict,
)
from afterturn.scopes import UserScope
from afterturn.settings import Settings

logger = logging.getLogger(__name__)

_SQL = queries.load("batches")

#: However often a batch fails, it waits no longer than this in one piece.
LONGEST_PAUSE_SECONDS = 60.0


class Servers(Protocol):
    """What claiming needs of the runtime."""

    @property
    def settings(self) -> Settings: ...
    @property
    def postgres(self) -> ConnectionPool[Connection]: ...
    @property
    def leases(self) -> LeaseKeeper: ...


Loaded = TypeVar("Loaded")


class _Work(Protocol):
    """A batch, and the lease on it."""

    @property
    def batch(self) -> Batch: ...
    @property
    def lease(self) -> Lease: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed(Generic[Loaded]):
    """A batch, the lease that entitles to finish one transition of it, and what the stage loaded with it."""

    batch: Batch
    lease: Lease
    loaded: Loaded


@contextmanager
def claimed(
    runtime: Servers,
    scope: UserScope,
    batch_id: UUID,
    *,
    stage: str,
    state: str,
    load: Callable[[Connection, Batch], Loaded],
) -> Iterator[Claimed[Loaded] | None]:
    """Claim a batch in `state` for the length of the block; yields None when there is nothing to do.

    The block ends the lease itself, in the transaction that ends its work. What goes wrong in the block is written
    down here. An endpoint that is away pauses the batch; that uses up an attempt only where others succeeded. A fault
    of ours uses one up; the last one makes the batch dead. What the endpoint refuses for good makes it dead at once.
    A refused transition is counted: somebody else does, or did, the work.

    Args:
        runtime: the servers.
        scope: the batch's user.
        batch_id: the batch.
        stage: names the fault points.
        state: in which the batch must be.
        load: reads what the stage needs, with the connection that claimed the batch; its errors are the block's.
    """
    faults.point(f"{stage}.before_claim")
    found = _claim_and_load(runtime, scope, batch_id, stage, state, load)
    if found is None:
        yield None
        return
    with _written_down(runtime, found):
        yield found


def _claim_and_load(
    runtime: Servers,
    scope: UserScope,
    batch_id: UUID,
    stage: str,
    state: str,
    load: Callable[[Connection, Batch], Loaded],
) -> Claimed[Loaded] | None:
    """Claim and load with one connection. None where there is nothing to do, and where loading failed for good."""
    with runtime.postgres.connection() as connection:
        found = _claim(runtime, connection, scope, batch_id, state)
        if found is None:
            return None
        faults.point(f"{stage}.after_claim")
        with _written_down(runtime, found, is_finished=False):
            return Claimed(batch=found.batch, lease=found.lease, loaded=load(connection, found.batch))
    return None


@contextmanager
def _written_down(runtime: Servers, found: _Work, *, is_finished: bool = True) -> Iterator[None]:
    """Write down what goes wrong in the block; at the end of the work, stop renewing the lease.

    Args:
        runtime: the servers.
        found: the work.
        is_finished: whether the work ends with the block, also where nothing goes wrong.
    """
    try:
        yield
    except Exception as error:
        is_finished = True
        if not _is_written_down(runtime, found, error):
            raise
    finally:
        if is_finished:
            runtime.leases.forget(found.lease)


def _is_written_down(runtime: Servers, found: _Work, error: Exception) -> bool:
    """Write down what an error means for the batch; return whether that is all that is to be done about it."""
    match error:
        case TransitionRefused():
            logger.warning("batch %s: %s", found.batch.batch_id, error)
            _count_refusal(runtime, found, error)
        case BudgetExhausted():
            _wait_for_next_day(runtime, found, error)
        case ModelUnavailable():
            _wait(runtime, found, error)
        case ModelRefused():
            _mark_dead(runtime, found, f"{error.code}: {error}")
        case psycopg.OperationalError() | PoolTimeout() | redis.RedisError():
            # A server of ours is away: the lease lapses by itself, and the sweep finds the batch again.
            logger.warning("batch %s waits for a server: %s", found.batch.batch_id, type(error).__name__)
            return False
        case _:
            _fail(runtime, found, f"internal: {type(error).__name__}")
            return False
    return True


def _claim(
    runtime: Servers, connection: Connection, scope: UserScope, batch_id: UUID, state: str
) -> Claimed[None] | None:
    lease = runtime.leases.claim(connection, scope, "batch", str(batch_id))
    if lease is None:
        return None
    # Read after the claim: whoever held the lease before may just have finished.
    batch = _load(connection, scope, batch_id, state)
    if batch is None:
        leases.let_go(connection, lease)
        runtime.leases.forget(lease)
        return None
    return Claimed(batch=batch, lease=lease, loaded=None)


def _load(connection: Connection, scope: UserScope, batch_id: UUID, state: str) -> Batch | None:
    row = connection.execute(_SQL["load"], batch_row.key_of(scope, batch_id) | {"state": state}).fetchone()
    return None if row is None else batch_row.from_row(row)


def _count_refusal(runtime: Servers, found: _Work, error: TransitionRefused) -> None:
    is_conflict = isinstance(error, VersionConflict)
    with runtime.postgres.connection() as connection, connection.transaction():
        counters.increment(connection, counters.VERSION_CONFLICTS if is_conflict else counters.STALE_WRITES_REFUSED)
        leases.let_go(connection, found.lease)
        if is_conflict:
            connection.execute(_SQL["pause"], found.batch.key | {"seconds": 0, "attempts": 0})


def _wait(runtime: Servers, found: _Work, error: ModelUnavailable) -> None:
    """Pause the batch while an endpoint is away; make it dead when it alone keeps failing."""
    batch = found.batch

    def write(connection: Connection) -> None:
        attempts = batch.attempts
        if error.successes is not None:
            row = connection.execute(_SQL["note_unavailable"], batch.key | {"successes": error.successes}).fetchone()
            attempts = attempts if row is None else row["attempts"]
        if attempts >= runtime.settings.attempts:
            _write_dead(connection, batch, f"exhausted: {error.code}")
            return
        seconds = max(error.retry_after_seconds or 0.0, _backoff_seconds(runtime, attempts))
        logger.warning("batch %s waits %.1f s: %s", batch.batch_id, seconds, error)
        connection.execute(_SQL["pause"], batch.key | {"seconds": seconds, "attempts": 0})

    _end(runtime, found, write)


def _wait_for_next_day(runtime: Servers, found: _Work, error: BudgetExhausted) -> None:
    """Pause the batch until its user has tokens again; that is nobody's failure, and uses up no attempt."""

    def write(connection: Connection) -> None:
        logger.warning("batch %s waits for the next day: %s", found.batch.batch_id, error)
        connection.execute(_SQL["pause_for_the_day"], found.batch.key | {"limit_tokens": error.limit_tokens})

    _end(runtime, found, write)


def _fail(runtime: Servers, found: _Work, reason: str) -> None:
    batch = found.batch
    attempts = batch.attempts + 1

    def write(connection: Connection) -> None:
        if attempts >= runtime.settings.attempts:
            _write_dead(connection, batch, reason)
            return
        logger.warning("batch %s failed, attempt %d: %s", batch.batch_id, attempts, reason)
        seconds = _backoff_seconds(runtime, batch.attempts)
        connection.execute(_SQL["pause"], batch.key | {"seconds": seconds, "attempts": 1})

    _end(runtime, found, write)


def _mark_dead(runtime: Servers, found: _Work, reason: str) -> None:
    _end(runtime, found, lambda connection: _write_dead(connection, found.batch, reason))


def _write_dead(connection: Connection, batch: Batch, reason: str) -> None:
    logger.error("batch %s is dead: %s", batch.batch_id, reason)
    connection.execute(_SQL["dead"], batch.key | {"reason": reason})


def _backoff_seconds(runtime: Servers, attempts: int) -> float:
    return min(LONGEST_PAUSE_SECONDS, runtime.settings.retry_seconds * 2.0**attempts)


def _end(runtime: Servers, found: _Work, write: Callable[[Connection], None]) -> None:
    """End the lease and `write` in one transaction; write nothing where somebody else took the work over."""
    try:
        with runtime.postgres.connection() as connection, connection.transaction():
            leases.release(connection, found.lease)
            write(connection)
    except StaleLease as error:
        logger.warning("batch %s: %s", found.batch.batch_id, error)
        with runtime.postgres.connection() as connection:
            counters.increment(connection, counters.STALE_WRITES_REFUSED)


def give_back(runtime: Servers, found: _Work) -> None:
    """End the lease without a transition: there is nothing to do now."""
    with runtime.postgres.connection() as connection:
        leases.let_go(connection, found.lease)


def mark(connection: Connection, found: _Work, transition: str, **arguments: Any) -> None:
    """Do one transition (`extracted`, `embedded` or `applied`) and end the lease, in the caller's transaction.

    Raises TransitionRefused when the lease or the state is not what it was.
    """
    leases.release(connection, found.lease)
    if connection.execute(_SQL[transition], found.batch.key | arguments).fetchone() is None:
        raise TransitionRefused(f"batch {found.batch.batch_id} is no longer where {transition} starts from")
