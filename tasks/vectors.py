"""Try again to embed single texts that the embedder refused."""

from __future__ import annotations

from afterturn.pipeline import runtime
from afterturn.pipeline.stages.vectors import embed_missing
from afterturn.scopes import UserScope

from .stage import stage


@stage("vectors")
def run(tenant_id: str, user_id: str) -> None:
    """Embed one user's missing texts, if they are still missing."""
    embed_missing(runtime.current(), UserScope(tenant_id, user_id))
