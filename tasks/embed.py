"""Embed an extracted batch's candidates, episode and turns."""

from __future__ import annotations

from uuid import UUID

from afterturn.pipeline import runtime
from afterturn.pipeline.stages import embed
from afterturn.scopes import UserScope

from .stage import stage


@stage("embed")
def run(tenant_id: str, user_id: str, batch_id: str) -> None:
    """Embed one batch, if that is still owed."""
    embed.embed(runtime.current(), UserScope(tenant_id, user_id), UUID(batch_id))
