"""A user's whole memory is consolidated, where it changed since the last time."""

from __future__ import annotations

from afterturn.pipeline import runtime
from afterturn.pipeline.stages.sleep import sleep
from afterturn.scopes import UserScope

from .stage import stage


@stage("sleep")
def run(tenant_id: str, user_id: str) -> None:
    """Consolidate one user's memory, when it is still owed."""
    sleep(runtime.current(), UserScope(tenant_id, user_id))
