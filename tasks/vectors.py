"""Try again to embed single texts that the embedder refused, and embed in spaces that are being built."""

from __future__ import annotations

from afterturn.pipeline import runtime
from afterturn.pipeline.stages.spaces import update_vectors
from afterturn.pipeline.stages.vectors import embed_missing
from afterturn.scopes import UserScope

from .stage import stage


@stage("vectors")
def run(tenant_id: str, user_id: str) -> None:
    """Embed one user's missing texts, if they are still missing, and bring the vectors up to date with the spaces."""
    user = UserScope(tenant_id, user_id)
    embed_missing(runtime.current(), user)
    update_vectors(runtime.current(), user)
