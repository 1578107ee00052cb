"""Finish the erasure of a user, if the process that began it has died."""

from __future__ import annotations

from afterturn.pipeline import runtime
from afterturn.pipeline.stages import erase
from afterturn.scopes import UserScope

from .stage import stage


@stage("erase")
def run(tenant_id: str, user_id: str) -> None:
    """Carry out one user's erasure, if it is still owed."""
    erase.erase(runtime.current(), UserScope(tenant_id, user_id))
