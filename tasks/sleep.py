"""Consolidate a user's whole memory, if it has changed since the last run."""

from __future__ import annotations

from afterturn.pipeline import runtime
from afterturn.pipeline.stages.sleep import sleep
from afterturn.scopes import UserScope

from .stage import stage


@stage("sleep")
def run(tenant_id: str, user_id: str) -> None:
    """Consolidate one user's memory, if that is still owed."""
    sleep(runtime.current(), UserScope(tenant_id, user_id))
