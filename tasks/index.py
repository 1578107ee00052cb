"""A large memory gets an index, where one is owed."""

from __future__ import annotations

from afterturn.pipeline import runtime
from afterturn.pipeline.stages.index import index
from afterturn.scopes import UserScope

from .stage import stage


@stage("index")
def run(tenant_id: str, user_id: str) -> None:
    """Index one user's memory, when it is still owed."""
    index(runtime.current(), UserScope(tenant_id, user_id))
