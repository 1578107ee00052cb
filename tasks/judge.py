"""What rules cannot decide on of a batch is put to a judge."""

from __future__ import annotations

from uuid import UUID

from afterturn.pipeline import runtime
from afterturn.pipeline.stages import judge
from afterturn.scopes import UserScope

from .stage import stage


@stage("judge")
def run(tenant_id: str, user_id: str, batch_id: str) -> None:
    """Do this stage for one batch, when it is still owed."""
    judge.judge(runtime.current(), UserScope(tenant_id, user_id), UUID(batch_id))
