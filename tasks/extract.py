"""A batch's turns go to the extractor; its answer is stored."""

from __future__ import annotations

from uuid import UUID

from afterturn.pipeline import runtime
from afterturn.pipeline.stages import extract
from afterturn.scopes import UserScope

from .stage import stage


@stage("extract")
def run(tenant_id: str, user_id: str, batch_id: str) -> None:
    """Do this stage for one batch, when it is still owed."""
    extract.extract(runtime.current(), UserScope(tenant_id, user_id), UUID(batch_id))
