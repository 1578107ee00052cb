"""Build the vector index of a large memory."""

from __future__ import annotations

from afterturn.pipeline import runtime
from afterturn.pipeline.stages.index import index
from afterturn.scopes import UserScope

from .stage import stage


@stage("index")
def run(tenant_id: str, user_id: str) -> None:
    """Index one user's memory, if that is still owed."""
    index(runtime.current(), UserScope(tenant_id, user_id))
