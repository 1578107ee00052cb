"""Ask the judge what rules cannot decide about a batch."""

from __future__ import annotations

from uuid import UUID

from afterturn.pipeline import runtime
from afterturn.pipeline.stages import judge
from afterturn.scopes import UserScope

from .stage import stage


@stage("judge")
def run(tenant_id: str, user_id: str, batch_id: str) -> None:
    """Get one batch's judgement, if it is still owed."""
    judge.judge(runtime.current(), UserScope(tenant_id, user_id), UUID(batch_id))
