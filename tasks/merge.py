"""Complete the merge of a user into another one, if the process that began it has died."""

from __future__ import annotations

from afterturn.pipeline import runtime
from afterturn.pipeline.stages import merge
from afterturn.scopes import UserScope

from .stage import stage


@stage("merge")
def run(tenant_id: str, user_id: str) -> None:
    """Complete the merge of one user, if it is still owed."""
    merge.merge(runtime.current(), UserScope(tenant_id, user_id))
