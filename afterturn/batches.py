"""The batch: the unit of idempotency, cost and retry. Its row is the truth; Celery messages are hints."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import redis
from psycopg_pool import ConnectionPool, PoolTimeout

from afterturn import leases
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import ModelRefused, ModelUnavailable, StaleLease, TransitionRefused
from afterturn.leases import Lease, LeaseKeeper
from afterturn.scopes import SessionScope, UserScope
from afterturn.turns import Turn

logger = logging.getLogger(__name__)

_SQL = queries.load("batches")

#: A stage that fails for want of a server is tried again after this many seconds, unless the server says otherwise.
UNAVAILABLE_PAUSE_SECONDS = 5.0
#: A batch that failed by itself waits this long, doubled with each attempt.
FAILED_PAUSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A run of consecutive turns of one session that is worked on as one unit."""

    session: SessionScope
    batch_id: UUID
    #: Its number in its user's order.
    user_seq: int
    first_position: int
    last_position: int
    #: pending, extracted, applied or dead.
    state: str
    #: How often it failed while others succeeded.
    attempts: int
    #: Which stored answer counts; None while pending.
    prompt_version: str | None
    model: str | None
    #: True when all its vectors are there.
    is_embedded: bool

    @property
    def key(self) -> dict[str, Any]:
        """Its row's key, as query arguments."""
        return key_of(self.session.user, self.batch_id)

    @property
    def session_key(self) -> dict[str, Any]:
        """Its session row's key, as query arguments."""
        user = self.session.user
        return {"tenant_id": user.tenant_id, "user_id": user.user_id, "session_id": self.session.session_id}


def key_of(scope: UserScope, batch_id: UUID) -> dict[str, Any]:
    """Return the key of a batch's row as query arguments."""
    return {"tenant_id": scope.tenant_id, "user_id": scope.user_id, "batch_id": batch_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A batch, and the lease that entitles to finish one transition of it."""

    batch: Batch
    lease: Lease


@contextmanager
def claimed(
    pool: ConnectionPool[Connection],
    keeper: LeaseKeeper,
    scope: UserScope,
    batch_id: UUID,
    *,
    state: str,
    attempts_limit: int,
) -> Iterator[Claimed | None]:
    """Claim a batch in `state` for the length of the block; yields None when there is nothing to do.

    The block ends the lease itself, in the transaction that ends its work. What goes wrong in the block is written
    down here: a server that is away pauses the batch and uses up no attempt; a failure of the batch's own uses one up,
    and the last one makes it dead. A refused transition is logged: somebody else does, or did, the work.
    """
    with pool.connection() as connection:
        lease = keeper.claim(connection, scope, "batch", str(batch_id))
        batch = None if lease is None else _load(connection, scope, batch_id, state)
        if lease is not None and batch is None:
            leases.let_go(connection, lease)
            keeper.forget(lease)
    if lease is None or batch is None:
        yield None
        return
    try:
        yield Claimed(batch=batch, lease=lease)
    except TransitionRefused as error:
        logger.warning("batch %s: %s", batch_id, error)
        _let_go(pool, lease)
    except ModelUnavailable as error:
        seconds = error.retry_after_seconds or UNAVAILABLE_PAUSE_SECONDS
        logger.warning("batch %s waits %.0f s: %s", batch_id, seconds, error)
        _pause(pool, lease, batch, seconds, attempts=0)
    except (psycopg.OperationalError, PoolTimeout, redis.RedisError):
        # A server of ours is away: the lease lapses by itself, and the sweep finds the batch again.
        raise
    except ModelRefused as error:
        _fail(pool, lease, batch, f"{error.code}: {error}", attempts_limit)
    except Exception as error:
        _fail(pool, lease, batch, f"internal: {type(error).__name__}", attempts_limit)
        raise
    finally:
        keeper.forget(lease)


def _load(connection: Connection, scope: UserScope, batch_id: UUID, state: str) -> Batch | None:
    row = connection.execute(_SQL["load"], key_of(scope, batch_id) | {"state": state}).fetchone()
    if row is None:
        return None
    return Batch(
        session=SessionScope(row["tenant_id"], row["user_id"], row["session_id"]),
        batch_id=row["batch_id"],
        user_seq=row["user_seq"],
        first_position=row["first_position"],
        last_position=row["last_position"],
        state=row["state"],
        attempts=row["attempts"],
        prompt_version=row["prompt_version"],
        model=row["model"],
        is_embedded=row["embedded_at"] is not None,
    )


def _let_go(pool: ConnectionPool[Connection], lease: Lease) -> None:
    with pool.connection() as connection:
        leases.let_go(connection, lease)


def _pause(pool: ConnectionPool[Connection], lease: Lease, batch: Batch, seconds: float, *, attempts: int) -> None:
    try:
        with pool.connection() as connection, connection.transaction():
            leases.release(connection, lease)
            connection.execute(_SQL["pause"], batch.key | {"seconds": seconds, "attempts": attempts})
    except StaleLease as error:
        logger.warning("batch %s: %s", batch.batch_id, error)


def _fail(pool: ConnectionPool[Connection], lease: Lease, batch: Batch, reason: str, attempts_limit: int) -> None:
    if batch.attempts + 1 < attempts_limit:
        logger.warning("batch %s failed, attempt %d: %s", batch.batch_id, batch.attempts + 1, reason)
        _pause(pool, lease, batch, FAILED_PAUSE_SECONDS * 2**batch.attempts, attempts=1)
        return
    logger.error("batch %s is dead: %s", batch.batch_id, reason)
    try:
        with pool.connection() as connection, connection.transaction():
            leases.release(connection, lease)
            connection.execute(_SQL["dead"], batch.key | {"reason": reason})
    except StaleLease as error:
        logger.warning("batch %s: %s", batch.batch_id, error)


def give_back(pool: ConnectionPool[Connection], claimed: Claimed) -> None:
    """End the lease without a transition: there is nothing to do now."""
    _let_go(pool, claimed.lease)


def read_turns(connection: Connection, batch: Batch, *, context: int = 0) -> tuple[list[Turn], list[Turn]]:
    """Return the last `context` turns before the batch, and the batch's own turns, both in order."""
    rows = connection.execute(
        _SQL["turns"],
        batch.session_key | {"first_position": batch.first_position - context, "last_position": batch.last_position},
    ).fetchall()
    turns = [Turn(**row | {"memories_shown": tuple(row["memories_shown"])}) for row in rows]
    before = [turn for turn in turns if turn.position is not None and turn.position < batch.first_position]
    return before, turns[len(before) :]


def read_answer(connection: Connection, batch: Batch) -> str:
    """Return the stored answer that counts for an extracted batch."""
    row = connection.execute(
        _SQL["answer"], batch.key | {"prompt_version": batch.prompt_version, "model": batch.model}
    ).fetchone()
    assert row is not None, "an extracted batch has an answer"
    return str(row["answer"])


def mark(connection: Connection, claimed: Claimed, transition: str, **arguments: Any) -> None:
    """Do one transition (`extracted`, `embedded` or `applied`) and end the lease, in the caller's transaction.

    Raises TransitionRefused when the lease or the state is not what it was.
    """
    leases.release(connection, claimed.lease)
    if connection.execute(_SQL[transition], claimed.batch.key | arguments).fetchone() is None:
        raise TransitionRefused(f"batch {claimed.batch.batch_id} is no longer where {transition} starts from")
