"""A session's new episodes go into its summary, and the user's profile follows."""

from __future__ import annotations

from afterturn.pipeline import runtime
from afterturn.pipeline.stages import summarize
from afterturn.scopes import SessionScope

from .stage import stage


@stage("summarize")
def run(tenant_id: str, user_id: str, session_id: str) -> None:
    """Bring one session's summary up to date, when it is still owed."""
    summarize.summarize(runtime.current(), SessionScope(tenant_id, user_id, session_id))
