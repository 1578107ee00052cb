"""Judge: ask an LLM to decide what rules cannot decide about a batch, and store its answer before it is used."""

from __future__ import annotations

from uuid import UUID

from afterturn import faults
from afterturn.batches import claims
from afterturn.batches.claims import ClaimedBatch
from afterturn.consolidation import judgements, judging
from afterturn.consolidation.judge import Judge
from afterturn.consolidation.judgements import OwedJudgement
from afterturn.pipeline import hand_out
from afterturn.pipeline.enqueue import priority_of
from afterturn.pipeline.runtime import Runtime
from afterturn.scopes import UserScope


def judge(runtime: Runtime, scope: UserScope, batch_id: UUID) -> bool:
    """Get the judgement that one batch waits for. Returns False if it waits for none."""
    with claims.claim_batch(
        runtime, scope, batch_id, stage="judge", state="extracted", load=judgements.read_owed_judgement
    ) as claimed:
        if claimed is None:
            return False
        if claimed.loaded is None:
            claims.release_void_claim(runtime, claimed)
            return False
        if claimed.loaded.question_text is not None and runtime.judge is not None:
            _ask(runtime, claimed, runtime.judge, claimed.loaded.question_text)
        is_handed_on = hand_out.may_hand_on(runtime.enqueue, "consolidate", priority_of(claimed.batch.place))
        with runtime.postgres.connection() as connection, connection.transaction():
            judgements.clear_question(connection, claimed.lease, claimed.batch, is_handed_on=is_handed_on)
            faults.point("judge.before_commit")
        faults.point("judge.after_commit")
        if is_handed_on:
            priority = priority_of(claimed.batch.place)
            runtime.enqueue.send("consolidate", scope.tenant_id, scope.user_id, str(batch_id), priority=priority)
        faults.point("judge.enqueued")
        return True
    return False


def _ask(runtime: Runtime, claimed: ClaimedBatch[OwedJudgement | None], judge: Judge, question_text: str) -> None:
    """Ask the judge, unless it has answered this question before."""
    batch = claimed.batch
    with runtime.postgres.connection() as connection:
        if judgements.is_answered(connection, batch.session.user, judge, question_text):
            return
    judging.ask_judge(
        runtime, claimed.lease, judge, question_text, stage="judge", session=batch.session, batch_id=batch.batch_id
    )
