"""A user's whole memory is consolidated, where it changed since the last time."""

from __future__ import annotations

from afterturn import runtime
from afterturn.scopes import UserScope
from afterturn.stages.sleep import sleep
from tasks.stage import stage


@stage("sleep")
def run(tenant_id: str, user_id: str) -> None:
    """Consolidate one user's memory, when it is still owed."""
    sleep(runtime.current(), UserScope(tenant_id, user_id))
