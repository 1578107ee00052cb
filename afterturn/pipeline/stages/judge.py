"""Judge: what rules cannot decide on of a batch is put to an LLM, and its answer is stored before it is used."""

from __future__ import annotations

from uuid import UUID

from afterturn import faults
from afterturn.batches import claims, leases
from afterturn.consolidation import asking, judgements, plan
from afterturn.pipeline.runtime import Runtime
from afterturn.scopes import UserScope


def judge(runtime: Runtime, scope: UserScope, batch_id: UUID) -> bool:
    """Get one batch its judgement. Returns whether it did; False when none is owed, or it is not its turn."""
    with claims.claimed(runtime, scope, batch_id, stage="judge", state="extracted") as claimed:
        if claimed is None:
            return False
        batch, of = claimed.batch, runtime.judge
        categories = runtime.settings.category_names
        with runtime.postgres.connection() as connection:
            planned = plan.read(connection, batch, of, categories=categories)
        if planned is None:
            claims.give_back(runtime, claimed)
            return False
        if of is not None and planned.question is not None and planned.is_unjudged:
            asking.ask(
                runtime,
                claimed.lease,
                of,
                planned.question,
                stage="judge",
                session=batch.session,
                batch_id=batch_id,
            )
        with runtime.postgres.connection() as connection, connection.transaction():
            leases.release(connection, claimed.lease)
            judgements.pay(connection, batch)
            faults.point("judge.before_commit")
        faults.point("judge.after_commit")
        runtime.enqueue.send("consolidate", scope.tenant_id, scope.user_id, str(batch_id))
        faults.point("judge.enqueued")
        return True
    return False
