"""Summarize: a session's new episodes go into its summary, and the user's profile is made anew."""

from __future__ import annotations

import logging
from typing import Any

from afterturn import counters, faults, leases
from afterturn.database import queries
from afterturn.errors import AfterturnError, ModelRefused, ModelUnavailable, StaleLease, TransitionRefused
from afterturn.leases import Lease
from afterturn.llm import calls
from afterturn.runtime import Runtime
from afterturn.scopes import SessionScope
from afterturn.summaries import profile
from afterturn.summaries.offline import OfflineSummarizer
from afterturn.summaries.summarizer import Episode, SummaryDraft

logger = logging.getLogger(__name__)

_SQL = queries.load("summaries")


def summarize(runtime: Runtime, session: SessionScope) -> bool:
    """Bring one session's summary up to date. Returns whether it did; False when there was nothing to do."""
    faults.reach("summarize.before_claim")
    with runtime.postgres.connection() as connection:
        lease = runtime.leases.claim(connection, session.user, "summary", session.session_id)
    if lease is None:
        return False
    faults.reach("summarize.after_claim")
    try:
        return _bring_up_to_date(runtime, session, lease)
    except (ModelUnavailable, TransitionRefused) as error:
        # The debt stays in the session row: the sweep finds it again.
        logger.warning("the summary of %s waits: %s", session, error)
        _let_go(runtime, lease, error)
        return False
    finally:
        runtime.leases.forget(lease)


def _let_go(runtime: Runtime, lease: Lease, error: AfterturnError) -> None:
    with runtime.postgres.connection() as connection:
        leases.let_go(connection, lease)
        if isinstance(error, StaleLease):
            counters.add(connection, counters.STALE_WRITES_REFUSED)


def _bring_up_to_date(runtime: Runtime, session: SessionScope, lease: Lease) -> bool:
    key = {"tenant_id": session.tenant_id, "user_id": session.user_id, "session_id": session.session_id}
    with runtime.postgres.connection() as connection:
        owed = connection.execute(_SQL["previous"], key).fetchone()
        if owed is None:
            leases.let_go(connection, lease)
            return False
        rows = connection.execute(_SQL["episodes_since"], key | owed).fetchall()
    draft = _draft(runtime, session, lease, owed["text"], [Episode(**row) for row in rows])
    faults.reach("summarize.answer_received")
    with runtime.postgres.connection() as connection, connection.transaction():
        # User, lease, session: in the order of whoever else writes them (removals, erasures), so that none waits for
        # the other; and the profile is made of facts that nobody is retracting meanwhile.
        connection.execute(_SQL["lock_user"], key)
        leases.release(connection, lease)
        _store(connection, key | owed, draft)
        profile.rebuild(connection, session.user)
        faults.reach("summarize.before_commit")
    faults.reach("summarize.after_commit")
    return True


def _draft(
    runtime: Runtime, session: SessionScope, lease: Lease, previous: str | None, episodes: list[Episode]
) -> SummaryDraft | None:
    if not episodes:
        return None
    if runtime.settings.is_offline:
        return runtime.summarizer.summarize(previous, episodes)
    try:
        return runtime.llm_breaker.call(lambda: _call(runtime, session, lease, previous, episodes))
    except ModelRefused as error:
        # Asking again would be refused again, and paid for again: these episodes are summarized by rules.
        logger.warning("the summary of %s is made by rules: %s", session, error)
        return OfflineSummarizer().summarize(previous, episodes)


def _call(
    runtime: Runtime, session: SessionScope, lease: Lease, previous: str | None, episodes: list[Episode]
) -> SummaryDraft:
    summarizer = runtime.summarizer
    with calls.metered(runtime.postgres, lease, session, stage="summarize", model=summarizer.model) as cost:
        draft = summarizer.summarize(previous, episodes)
        cost.prompt_tokens, cost.completion_tokens = draft.prompt_tokens, draft.completion_tokens
        return draft


def _store(connection: Any, owed: dict[str, Any], draft: SummaryDraft | None) -> None:
    if draft is not None:
        version = {"prompt_version": draft.prompt_version, "model": draft.model}
        connection.execute(_SQL["put"], owed | version | {"text": draft.text})
    if connection.execute(_SQL["done"], owed).fetchone() is None:
        raise StaleLease("another worker has summarized this session meanwhile")
