"""Consolidate: compare an embedded batch's candidates with the user's facts, and apply the batches in the user's order.

If rules cannot decide, the judge is asked first, in the stage `judge`, so that no process of the fast pool waits for an
LLM. The batch then owes a judgement, and is consolidated again when the judgement is stored.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import UUID

from afterturn import faults
from afterturn.batches import batch_row, claims
from afterturn.batches.batch_row import Batch, ReadyBatch
from afterturn.batches.claims import ClaimedBatch
from afterturn.consolidation import apply, edits, judgements, overruling, plan
from afterturn.consolidation.judgement import JudgeQuestion
from afterturn.consolidation.plan import Plan
from afterturn.database.pool import Connection
from afterturn.languages import detection
from afterturn.pipeline import hand_out, user_lock
from afterturn.pipeline.enqueue import priority_of
from afterturn.pipeline.hand_out import DirectRoom
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
        first = _claim_and_apply(runtime, scope, batch_id)
        last = _apply_next_batches(runtime, scope, first, ends_at)
    # Messages are sent after the lock is released: the worker that gets one needs it.
    faults.point("consolidate.after_commit")
    if last.to_judge is not None:
        _send(runtime, scope, "judge", last.to_judge)
    else:
        _enqueue_next(runtime, scope, last.batch_id)
    faults.point("consolidate.enqueued")
    return first.is_applied


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """The outcome of one batch."""

    batch_id: UUID
    is_applied: bool = False
    #: The batch, if it waits for a judgement and this worker sends it to the judge.
    to_judge: ReadyBatch | None = None
    #: The user's next batch that is ready to be applied, if this one was applied.
    next_ready: ReadyBatch | None = None


def _apply_next_batches(runtime: Runtime, scope: UserScope, outcome: _Outcome, ends_at: float) -> _Outcome:
    """Apply the user's next batches while they are ready, within the limits of one task. Return the last outcome."""
    for _ in range(BATCHES_PER_TASK - 1):
        if outcome.next_ready is None or time.monotonic() >= ends_at:
            break
        outcome = _claim_and_apply(runtime, scope, outcome.next_ready.batch_id)
    return outcome


def _claim_and_apply(runtime: Runtime, scope: UserScope, batch_id: UUID) -> _Outcome:
    def load(connection: Connection, batch: Batch) -> Plan | None:
        return plan.make_plan(connection, batch, runtime.judge, categories=runtime.settings.category_names)

    with claims.claim_batch(runtime, scope, batch_id, stage="consolidate", state="extracted", load=load) as claimed:
        if claimed is None:
            return _Outcome(batch_id=batch_id)
        planned = claimed.loaded
        if planned is None:
            claims.release_void_claim(runtime, claimed)
            return _Outcome(batch_id=batch_id)
        if planned.open_question is not None:
            to_judge = _owe_judgement(runtime, claimed, planned.open_question, planned.version)
            return _Outcome(batch_id=batch_id, to_judge=to_judge)
        return _Outcome(batch_id=batch_id, is_applied=True, next_ready=_apply(runtime, claimed, planned))
    return _Outcome(batch_id=batch_id)


def _apply(runtime: Runtime, claimed: ClaimedBatch[Plan | None], planned: Plan) -> ReadyBatch | None:
    """Apply a batch, and return the user's next batch if it is ready to be applied."""
    batch = claimed.batch
    faults.point("consolidate.decided")
    with runtime.postgres.connection() as connection:
        with connection.transaction():
            apply.lock_user(connection, batch, planned.version)
            faults.point("consolidate.rows_locked")
            apply.apply_decisions(connection, batch, planned.answer, planned.decisions)
            judgements.store_compared_facts(connection, batch, planned.compared_ids)
            edits.apply_edits(connection, batch, planned.answer, planned.decisions)
            claims.complete_transition(connection, claimed, "applied")
            faults.point("consolidate.before_commit")
        overruled = [one for decision in planned.decisions for one in decision.overruled]
        overruling.record_overruled(connection, batch.session.user, overruled)
        return batch_row.next_ready_batch(connection, batch.session.user)


def _owe_judgement(
    runtime: Runtime, claimed: ClaimedBatch[Plan | None], question: JudgeQuestion, version: int
) -> ReadyBatch | None:
    """Store the question that the batch waits for. Return the batch if the caller sends it to the judge."""
    batch = claimed.batch
    is_handed_on = hand_out.may_hand_on(runtime.enqueue, "judge", priority_of(batch.place))
    with runtime.postgres.connection() as connection:
        judgements.store_question(
            connection, claimed.lease, batch, question, version=version, is_handed_on=is_handed_on
        )
    return ReadyBatch(batch.batch_id, batch.place) if is_handed_on else None


def _enqueue_next(runtime: Runtime, scope: UserScope, batch_id: UUID) -> None:
    """Enqueue the user's earliest open batch if it is ready to be applied, or to be extracted.

    This is also done if this batch was not applied: while this worker had the lock, another may have skipped the
    earliest batch.
    """
    room = DirectRoom.read(runtime.enqueue, ("consolidate", "extract"))
    steps = [step for step, stage in (("embedded", "consolidate"), ("pending", "extract")) if room.take(stage)]
    if not steps:
        return
    with runtime.postgres.connection() as connection:
        ready = batch_row.hand_on_next(connection, scope, steps=steps, done=batch_id)
    if ready is not None:
        _send(runtime, scope, "consolidate" if ready.state == "extracted" else "extract", ready)


def _send(runtime: Runtime, scope: UserScope, stage: str, batch: ReadyBatch) -> None:
    names = (scope.tenant_id, scope.user_id, str(batch.batch_id))
    runtime.enqueue.send(stage, *names, priority=priority_of(batch.place))
