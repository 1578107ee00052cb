"""Extract a batch's turns, store the answer and the verified candidates, and go on with their vectors."""

from __future__ import annotations

from uuid import UUID

from afterturn.pipeline import runtime
from afterturn.pipeline.stages import embed, extract
from afterturn.scopes import UserScope

from .stage import stage


@stage("extract")
def run(tenant_id: str, user_id: str, batch_id: str) -> None:
    """Extract one batch, if that is still owed, and embed it: a message for that costs as much as the work."""
    current, scope, batch = runtime.current(), UserScope(tenant_id, user_id), UUID(batch_id)
    if extract.extract(current, scope, batch):
        embed.embed(current, scope, batch)
