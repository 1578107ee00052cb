"""Apply an embedded batch to its user's memory, in the order of the user's batches."""

from __future__ import annotations

from uuid import UUID

from afterturn.pipeline import runtime
from afterturn.pipeline.stages import consolidate
from afterturn.scopes import UserScope

from .stage import stage


@stage("consolidate")
def run(tenant_id: str, user_id: str, batch_id: str) -> None:
    """Consolidate one batch, if that is still owed."""
    consolidate.consolidate(runtime.current(), UserScope(tenant_id, user_id), UUID(batch_id))
