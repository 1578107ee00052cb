"""Extract a batch's turns, and store the answer and the verified candidates."""

from __future__ import annotations

from uuid import UUID

from afterturn.pipeline import runtime
from afterturn.pipeline.stages import extract
from afterturn.scopes import UserScope

from .stage import stage


@stage("extract")
def run(tenant_id: str, user_id: str, batch_id: str) -> None:
    """Extract one batch, if that is still owed."""
    extract.extract(runtime.current(), UserScope(tenant_id, user_id), UUID(batch_id))
