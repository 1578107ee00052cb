"""Claim a batch for one transition, and record in its row how the attempt ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import redis
from psycopg_pool import ConnectionPool

from afterturn import faults
from afterturn.batches import batch_row, leases
from afterturn.batches.batch_row import Batch
from afterturn.batches.leases import Lease, LeaseKeeper
from afterturn.database import connect_errors, counters, queries, sqlstates
from afterturn.database.pool import Connection
from afterturn.database.sqlstates import Kind
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

#: The longest pause after one failure. Longer: a batch waits needlessly after the fault is over. Shorter: failing
#: batches use more of the workers' time.
MAX_PAUSE_SECONDS = 60.0


class Servers(Protocol):
    """The parts of the runtime that claiming uses."""

    @property
    def settings(self) -> Settings: ...
    @property
    def postgres(self) -> ConnectionPool[Connection]: ...
    @property
    def leases(self) -> LeaseKeeper: ...


Loaded = TypeVar("Loaded")


class _LeasedBatch(Protocol):
    """A batch and the lease on it."""

    @property
    def batch(self) -> Batch: ...
    @property
    def lease(self) -> Lease: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedBatch(Generic[Loaded]):
    """A claimed batch."""

    batch: Batch
    #: The right to finish one transition of the batch.
    lease: Lease
    #: What the stage's `load` returned.
    loaded: Loaded


@contextmanager
def claim_batch(
    runtime: Servers,
    scope: UserScope,
    batch_id: UUID,
    *,
    stage: str,
    state: str,
    load: Callable[[Connection, Batch], Loaded],
) -> Iterator[ClaimedBatch[Loaded] | None]:
    """Claim a batch in `state` for the length of the block. Yields None when there is nothing to do.

    The block releases the lease itself, in the transaction that commits its work. If the block raises, this function
    records the failure in the batch's row:

    - An unavailable endpoint pauses the batch. This counts as an attempt only if other calls to it succeeded.
    - An error in this program counts as an attempt. After the last attempt the batch is dead.
    - A permanent refusal by an endpoint makes the batch dead once the batch is known to be the cause: it was refused
      twice, and others succeeded in between and since. Until then it is paused.
    - Any other permanent refusal makes the batch dead at once, and so does what Postgres cannot store.
    - A refused transition is only counted: another worker does the work, or has done it.

    Args:
        runtime: the servers.
        scope: the batch's user.
        batch_id: the batch.
        stage: the prefix of the fault points' names.
        state: the state that the batch must have.
        load: reads what the stage needs, on the connection that claimed the batch. Its errors are recorded like errors
            of the block.
    """
    faults.point(f"{stage}.before_claim")
    claimed = _claim_and_load(runtime, scope, batch_id, stage, state, load)
    if claimed is None:
        yield None
        return
    with _recording_failure(runtime, claimed):
        yield claimed


def _claim_and_load(
    runtime: Servers,
    scope: UserScope,
    batch_id: UUID,
    stage: str,
    state: str,
    load: Callable[[Connection, Batch], Loaded],
) -> ClaimedBatch[Loaded] | None:
    """Claim and load on one connection. Return None if there is nothing to do, or if an error was recorded."""
    failure: Exception
    with runtime.postgres.connection() as connection:
        claimed = _claim_lease(runtime, connection, scope, batch_id, state)
        if claimed is None:
            return None
        faults.point(f"{stage}.after_claim")
        try:
            return ClaimedBatch(batch=claimed.batch, lease=claimed.lease, loaded=load(connection, claimed.batch))
        except Exception as error:
            failure = error
    # Only now: recording takes a connection, which all workers would wait for while each has one.
    with _recording_failure(runtime, claimed):
        raise failure
    return None


@contextmanager
def _recording_failure(runtime: Servers, claimed: _LeasedBatch) -> Iterator[None]:
    """Record an error of the block in the batch's row, and stop renewing the lease when the block has ended."""
    try:
        yield
    except Exception as error:
        if not _record_failure(runtime, claimed, error):
            raise
    finally:
        runtime.leases.forget(claimed.lease)


def _record_failure(runtime: Servers, claimed: _LeasedBatch, error: Exception) -> bool:
    """Record an error in the batch's row. Return whether the error is handled; otherwise the caller raises it."""
    match error:
        case TransitionRefused():
            logger.warning("batch %s: %s", claimed.batch.batch_id, error)
            _count_refusal(runtime, claimed, error)
        case BudgetExhausted():
            _pause_until_next_day(runtime, claimed, error)
        case ModelUnavailable():
            _pause_until_available(runtime, claimed, error)
        case ModelRefused():
            _mark_dead_or_pause(runtime, claimed, error)
        case redis.RedisError():
            # Redis is unavailable, so the batch cannot be judged. The lease expires; the sweep finds the batch.
            logger.warning("batch %s waits for a server: %s", claimed.batch.batch_id, type(error).__name__)
            return False
        case _ if sqlstates.is_passing(error):
            # Nothing can be recorded in Postgres now. The lease expires; the sweep finds the batch.
            logger.warning("batch %s waits: %s", claimed.batch.batch_id, connect_errors.public_error(error))
            return False
        case _ if sqlstates.kind_of(error) is Kind.DATA:
            _mark_dead(runtime, claimed, f"not_storable: {sqlstates.describe(error)}")
        case _:
            _count_failed_attempt(runtime, claimed, f"internal: {sqlstates.describe(error)}")
            return False
    return True


def _claim_lease(
    runtime: Servers, connection: Connection, scope: UserScope, batch_id: UUID, state: str
) -> ClaimedBatch[None] | None:
    lease = runtime.leases.claim(connection, scope, "batch", str(batch_id))
    if lease is None:
        return None
    # Read after the claim: the previous owner of the lease may just have finished the transition.
    batch = _read_batch(connection, scope, batch_id, state)
    if batch is None:
        _release_void(connection, lease, scope, batch_id)
        runtime.leases.forget(lease)
        return None
    return ClaimedBatch(batch=batch, lease=lease, loaded=None)


def _read_batch(connection: Connection, scope: UserScope, batch_id: UUID, state: str) -> Batch | None:
    row = connection.execute(_SQL["load"], batch_row.key_of(scope, batch_id) | {"state": state}).fetchone()
    return None if row is None else batch_row.from_row(row)


def _count_refusal(runtime: Servers, claimed: _LeasedBatch, error: TransitionRefused) -> None:
    is_conflict = isinstance(error, VersionConflict)
    with runtime.postgres.connection() as connection, connection.transaction():
        counters.increment(connection, counters.VERSION_CONFLICTS if is_conflict else counters.STALE_WRITES_REFUSED)
        leases.try_release(connection, claimed.lease)
        if is_conflict:
            connection.execute(_SQL["pause"], claimed.batch.key | {"seconds": 0, "attempts": 0})


def _pause_until_available(runtime: Servers, claimed: _LeasedBatch, error: ModelUnavailable) -> None:
    """Pause the batch while an endpoint is unavailable. Mark it dead if it keeps failing while others succeed."""
    batch = claimed.batch

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

    _release_and_write(runtime, claimed, write)


def _pause_until_next_day(runtime: Servers, claimed: _LeasedBatch, error: BudgetExhausted) -> None:
    """Pause the batch until its user has tokens again. This is not a failure and does not count as an attempt."""

    def write(connection: Connection) -> None:
        logger.warning("batch %s waits for the next day: %s", claimed.batch.batch_id, error)
        connection.execute(_SQL["pause_for_the_day"], claimed.batch.key | {"limit_tokens": error.limit_tokens})

    _release_and_write(runtime, claimed, write)


def _count_failed_attempt(runtime: Servers, claimed: _LeasedBatch, reason: str) -> None:
    batch = claimed.batch
    attempts = batch.attempts + 1

    def write(connection: Connection) -> None:
        if attempts >= runtime.settings.attempts:
            _write_dead(connection, batch, reason)
            return
        logger.warning("batch %s failed, attempt %d: %s", batch.batch_id, attempts, reason)
        seconds = _backoff_seconds(runtime, batch.attempts)
        connection.execute(_SQL["pause"], batch.key | {"seconds": seconds, "attempts": 1})

    _release_and_write(runtime, claimed, write)


def _mark_dead_or_pause(runtime: Servers, claimed: _LeasedBatch, error: ModelRefused) -> None:
    """Mark the batch dead if it is the cause of the refusal; pause it if the endpoint may refuse all requests."""
    batch = claimed.batch
    reason = f"{error.code}: {error}"

    def write(connection: Connection) -> None:
        if error.successes is None:
            _write_dead(connection, batch, reason)
            return
        arguments = {"successes": error.successes, "reason": reason}
        row = connection.execute(_SQL["note_refused"], batch.key | arguments).fetchone()
        if row is None:
            return
        is_cause = row["is_confirmed"] and error.others_refused == 0
        if is_cause or row["attempts"] >= runtime.settings.attempts:
            _write_dead(connection, batch, reason)
            return
        logger.warning("batch %s is tried again, the endpoint may be the cause: %s", batch.batch_id, reason)
        seconds = _backoff_seconds(runtime, row["attempts"])
        connection.execute(_SQL["pause"], batch.key | {"seconds": seconds, "attempts": 0})

    _release_and_write(runtime, claimed, write)


def _mark_dead(runtime: Servers, claimed: _LeasedBatch, reason: str) -> None:
    _release_and_write(runtime, claimed, lambda connection: _write_dead(connection, claimed.batch, reason))


def _write_dead(connection: Connection, batch: Batch, reason: str) -> None:
    logger.error("batch %s is dead: %s", batch.batch_id, reason)
    connection.execute(_SQL["dead"], batch.key | {"reason": reason})


def _backoff_seconds(runtime: Servers, attempts: int) -> float:
    return min(MAX_PAUSE_SECONDS, runtime.settings.retry_seconds * 2.0**attempts)


def _release_and_write(runtime: Servers, claimed: _LeasedBatch, write: Callable[[Connection], None]) -> None:
    """Release the lease and `write` in one transaction. Write nothing if another worker has taken the lease over."""
    try:
        with runtime.postgres.connection() as connection, connection.transaction():
            leases.release(connection, claimed.lease)
            write(connection)
    except StaleLease as error:
        logger.warning("batch %s: %s", claimed.batch.batch_id, error)
        with runtime.postgres.connection() as connection:
            counters.increment(connection, counters.STALE_WRITES_REFUSED)


def release_void_claim(runtime: Servers, claimed: _LeasedBatch) -> None:
    """Release the lease of a batch for which the stage has nothing to do, because the message came twice or early."""
    with runtime.postgres.connection() as connection:
        _release_void(connection, claimed.lease, claimed.batch.session.user, claimed.batch.batch_id)


def _release_void(connection: Connection, lease: Lease, scope: UserScope, batch_id: UUID) -> None:
    """Release the lease, and have the batch handed out again: its next message may have come while it was leased."""
    leases.try_release(connection, lease)
    batch_row.hand_out_again(connection, scope, batch_id)


def complete_transition(connection: Connection, claimed: _LeasedBatch, transition: str, **arguments: Any) -> None:
    """Do one transition (`extracted`, `embedded` or `applied`) and release the lease, in the caller's transaction.

    Raises TransitionRefused when the lease or the batch's state has changed since the claim.
    """
    if not leases.execute_releasing(connection, claimed.lease, _SQL[transition], claimed.batch.key | arguments):
        raise TransitionRefused(f"batch {claimed.batch.batch_id} is no longer where {transition} starts from")
