"""Consolidate: compare an embedded batch's candidates with the user's facts, and apply the batches in the user's order.

If rules cannot decide, the judge is asked first, in the stage `judge`, so that no process of the fast pool waits for an
LLM. The batch then owes a judgement, and is consolidated again when the judgement is stored.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID

from afterturn import faults
from afterturn.batches import batch_row, claims, leases
from afterturn.batches.batch_row import Batch, ReadyBatch
from afterturn.batches.claims import ClaimedBatch
from afterturn.consolidation import apply, edits, judgements, plan
from afterturn.consolidation.judgement import JudgeQuestion
from afterturn.consolidation.plan import Plan
from afterturn.database.pool import Connection
from afterturn.languages import detection
from afterturn.pipeline import hand_out, user_lock
from afterturn.pipeline.enqueue import priority_of
from afterturn.pipeline.runtime import Runtime
from afterturn.scopes import UserScope

#: After an applied batch, a task applies the next ready batches of the same user: so many in all, and for so long.
#: Larger: a backlog of one user costs fewer messages. Smaller: others wait less for the process.
BATCHES_PER_TASK = 20
SECONDS_PER_TASK = 0.5


def consolidate(runtime: Runtime, scope: UserScope, batch_id: UUID) -> bool:
    """Apply one batch, and a limited number of the user's next batches that are ready.

    Returns whether the batch was applied; False if an earlier batch is open or there is nothing to do.
    """
    detection.load()
    faults.point("consolidate.before_lock")
    with user_lock.try_lock_user(runtime.redis, scope, seconds=runtime.settings.lease_seconds) as is_locked:
        if not is_locked:
            # The worker that has the lock enqueues the user's earliest batch when it is done, or the sweep does.
            with runtime.postgres.connection() as connection:
                batch_row.hand_back(connection, scope, batch_id)
            return False
        faults.point("consolidate.lock_taken")
        ends_at = time.monotonic() + SECONDS_PER_TASK
        outcome = _claim_and_apply(runtime, scope, batch_id)
        last_id = _apply_next_batches(runtime, scope, batch_id, outcome.next_ready, ends_at)
    faults.point("consolidate.after_commit")
    _enqueue_next(runtime, scope, last_id)
    faults.point("consolidate.enqueued")
    return outcome.is_applied


def _apply_next_batches(
    runtime: Runtime, scope: UserScope, batch_id: UUID, next_ready: ReadyBatch | None, ends_at: float
) -> UUID:
    """Apply the user's next batches while they are ready, within the limits of one task. Return the last one tried."""
    for _ in range(BATCHES_PER_TASK - 1):
        if next_ready is None or time.monotonic() >= ends_at:
            break
        batch_id = next_ready.batch_id
        next_ready = _claim_and_apply(runtime, scope, batch_id).next_ready
    return batch_id


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The outcome of one batch."""

    is_applied: bool
    #: The user's next batch that is ready to be applied, if this one was applied.
    next_ready: ReadyBatch | None = None


_NOT_APPLIED = _Outcome(is_applied=False)


def _claim_and_apply(runtime: Runtime, scope: UserScope, batch_id: UUID) -> _Outcome:
    def load(connection: Connection, batch: Batch) -> Plan | None:
        return plan.make_plan(connection, batch, runtime.judge, categories=runtime.settings.category_names)

    with claims.claim_batch(runtime, scope, batch_id, stage="consolidate", state="extracted", load=load) as claimed:
        if claimed is None:
            return _NOT_APPLIED
        planned = claimed.loaded
        if planned is None:
            claims.release_claim(runtime, claimed)
            return _NOT_APPLIED
        if planned.open_question is not None:
            _owe_judgement(runtime, claimed, planned.open_question, planned.version)
            return _NOT_APPLIED
        return _Outcome(is_applied=True, next_ready=_apply(runtime, claimed, planned))
    return _NOT_APPLIED


def _apply(runtime: Runtime, claimed: ClaimedBatch[Plan | None], planned: Plan) -> ReadyBatch | None:
    """Apply a batch, and return the user's next batch if it is ready to be applied."""
    batch = claimed.batch
    faults.point("consolidate.decided")
    with runtime.postgres.connection() as connection:
        with connection.transaction():
            apply.lock_user(connection, batch, planned.version)
            faults.point("consolidate.rows_locked")
            apply.apply_decisions(connection, batch, planned.answer, planned.decisions)
            edits.apply_edits(connection, batch, planned.answer, planned.decisions)
            claims.complete_transition(connection, claimed, "applied")
            faults.point("consolidate.before_commit")
        return batch_row.next_ready_batch(connection, batch.session.user)


def _owe_judgement(runtime: Runtime, claimed: ClaimedBatch[Plan | None], question: JudgeQuestion, version: int) -> None:
    batch = claimed.batch
    is_handed_on = hand_out.may_hand_on(runtime.enqueue, "judge", priority_of(batch.place))
    with runtime.postgres.connection() as connection, connection.transaction():
        leases.release(connection, claimed.lease)
        judgements.store_question(connection, batch, question, version=version, is_handed_on=is_handed_on)
    if is_handed_on:
        user, priority = batch.session.user, priority_of(batch.place)
        runtime.enqueue.send("judge", user.tenant_id, user.user_id, str(batch.batch_id), priority=priority)


def _enqueue_next(runtime: Runtime, scope: UserScope, batch_id: UUID) -> None:
    """Enqueue the user's earliest open batch if it is ready to be applied.

    This is also done if this batch was not applied: while this worker had the lock, another may have skipped the
    earliest batch.
    """
    if not hand_out.may_hand_on(runtime.enqueue, "consolidate"):
        return
    with runtime.postgres.connection() as connection:
        ready = batch_row.hand_on_next(connection, scope, done=batch_id)
    if ready is not None:
        priority = priority_of(ready.place)
        runtime.enqueue.send("consolidate", scope.tenant_id, scope.user_id, str(ready.batch_id), priority=priority)
