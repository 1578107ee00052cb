"""Move the texts of a user's old turns to the object store."""

from __future__ import annotations

from afterturn.pipeline import runtime
from afterturn.pipeline.stages.cold import cold
from afterturn.scopes import UserScope

from .stage import stage


@stage("cold")
def run(tenant_id: str = "", user_id: str = "") -> None:
    """Move what one user owes; without a user, delete objects that are due."""
    cold(runtime.current(), UserScope(tenant_id, user_id) if user_id else None)
