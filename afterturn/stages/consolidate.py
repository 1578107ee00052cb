"""Consolidate: an embedded batch's candidates against the user's current facts, applied in the user's order."""

from __future__ import annotations

from uuid import UUID

from afterturn import batches, faults, user_lock
from afterturn.batches import Claimed
from afterturn.consolidation import apply, decisions
from afterturn.database import queries
from afterturn.extraction import outcome
from afterturn.runtime import Runtime
from afterturn.scopes import UserScope

_SQL = queries.load("batches")


def consolidate(runtime: Runtime, scope: UserScope, batch_id: UUID) -> bool:
    """Apply one batch. Returns whether it did; False when it is not its turn, or there was nothing to do."""
    faults.reach("consolidate.before_lock")
    with user_lock.held(runtime.redis, scope, seconds=runtime.settings.lease_seconds) as is_held:
        if not is_held:
            # Whoever holds it hands on to the user's lowest batch when it is done.
            return False
        faults.reach("consolidate.lock_taken")
        is_applied = _claim_and_apply(runtime, scope, batch_id)
    faults.reach("consolidate.after_commit")
    _hand_on(runtime, scope, batch_id)
    faults.reach("consolidate.enqueued")
    return is_applied


def _claim_and_apply(runtime: Runtime, scope: UserScope, batch_id: UUID) -> bool:
    with batches.claimed(runtime, scope, batch_id, stage="consolidate", state="extracted") as claimed:
        if claimed is None:
            return False
        if not claimed.batch.is_embedded or _is_blocked(runtime, claimed):
            batches.give_back(runtime, claimed)
            return False
        _apply(runtime, claimed)
        return True
    return False


def _is_blocked(runtime: Runtime, claimed: Claimed) -> bool:
    batch = claimed.batch
    with runtime.postgres.connection() as connection:
        row = connection.execute(_SQL["lower_open"], batch.key | {"user_seq": batch.user_seq}).fetchone()
    assert row is not None
    return bool(row["is_blocked"])


def _apply(runtime: Runtime, claimed: Claimed) -> None:
    batch = claimed.batch
    with runtime.postgres.connection() as connection:
        outcome_of_batch = outcome.read(connection, batch)
        version, known = apply.read_alike(connection, batch, outcome_of_batch)
        decided = decisions.decide(outcome_of_batch.believed, known)
        faults.reach("consolidate.decided")
        with connection.transaction():
            apply.lock_user(connection, batch, version)
            faults.reach("consolidate.rows_locked")
            apply.apply(connection, batch, outcome_of_batch, decided)
            batches.mark(connection, claimed, "applied")
            faults.reach("consolidate.before_commit")


def _hand_on(runtime: Runtime, scope: UserScope, batch_id: UUID) -> None:
    """Tell of the user's lowest batch, when it waits only to be applied.

    Also after an attempt that came too early: while it held the lock, the lowest batch may have been turned away.
    """
    with runtime.postgres.connection() as connection:
        lowest = batches.next_ready(connection, scope)
    if lowest is not None and lowest != batch_id:
        runtime.enqueue.send("consolidate", scope.tenant_id, scope.user_id, str(lowest))
