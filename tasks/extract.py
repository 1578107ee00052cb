"""A batch's turns go to the extractor; its answer is stored."""

from __future__ import annotations

from uuid import UUID

from afterturn import runtime
from afterturn.scopes import UserScope
from afterturn.stages import extract
from tasks.stage import stage


@stage("extract")
def run(tenant_id: str, user_id: str, batch_id: str) -> None:
    """Do this stage for one batch, when it is still owed."""
    extract.extract(runtime.current(), UserScope(tenant_id, user_id), UUID(batch_id))
