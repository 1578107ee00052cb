"""Update a session's summary with its new episodes, and the user's profile."""

from __future__ import annotations

from afterturn.pipeline import runtime
from afterturn.pipeline.stages import summarize
from afterturn.scopes import SessionScope

from .stage import stage


@stage("summarize")
def run(tenant_id: str, user_id: str, session_id: str) -> None:
    """Update one session's summary, if that is still owed."""
    summarize.summarize(runtime.current(), SessionScope(tenant_id, user_id, session_id))
