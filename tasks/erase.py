"""A user who asked to be forgotten is forgotten, where whoever began it did not come to the end."""

from __future__ import annotations

from afterturn.pipeline import runtime
from afterturn.pipeline.stages import erase
from afterturn.scopes import UserScope

from .stage import stage


@stage("erase")
def run(tenant_id: str, user_id: str) -> None:
    """Carry out one user's erasure, when it is still owed."""
    erase.erase(runtime.current(), UserScope(tenant_id, user_id))
