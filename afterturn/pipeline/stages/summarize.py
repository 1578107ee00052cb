"""Summarize: make digests of complete runs of a session's episodes, then update its summary and the user's profile."""

from __future__ import annotations

import itertools
import logging

from afterturn import faults
from afterturn.batches import failed_work, leases
from afterturn.batches.leases import Lease
from afterturn.database import counters, queries
from afterturn.errors import ModelRefused, ModelUnavailable, StaleLease
from afterturn.extraction import endpoint_check
from afterturn.llm import calls
from afterturn.pipeline.enqueue import LATER
from afterturn.pipeline.runtime import Runtime
from afterturn.scopes import SessionScope
from afterturn.summaries import digests, profile
from afterturn.summaries.digests import DigestWork
from afterturn.summaries.offline import OfflineSummarizer
from afterturn.summaries.summarizer import DigestDraft

logger = logging.getLogger(__name__)

_SQL = queries.load("summaries")


#: Digests that one task makes, one LLM call each. Larger: a long session occupies a thread for longer, perhaps beyond
#: the deadline of its lease. The rest is made by the next task.
DIGESTS_PER_TASK = 8


def summarize(runtime: Runtime, session: SessionScope) -> bool:
    """Update one session's summary. Returns whether it is up to date; False if there is nothing to do."""
    faults.point("summarize.before_claim")
    with runtime.postgres.connection() as connection:
        lease = runtime.leases.claim(connection, session.user, "summary", session.session_id)
    if lease is None:
        return False
    faults.point("summarize.after_claim")
    # If it fails, the session's row still says that the summary is owed: the sweep finds it again.
    with failed_work.recording_failure(runtime, lease):
        return _update_summary(runtime, session, lease)
    return False


def _update_summary(runtime: Runtime, session: SessionScope, lease: Lease) -> bool:
    with runtime.postgres.connection() as connection:
        owed = connection.execute(_SQL["summarized_range"], session.key).fetchone()
        if owed is None:
            leases.try_release(connection, lease)
            connection.execute(_SQL["hand_out_again"], session.key)
            return False
    try:
        is_complete = _make_digests(runtime, session, lease, through=owed["applied_through"])
        is_unfinished = not is_complete
    except ModelUnavailable as error:
        # The summary is written without the missing digests; they stay owed.
        logger.warning("digests of %s wait: %s", session, error)
        is_complete, is_unfinished = False, False
    _commit(runtime, session, lease, owed, is_complete=is_complete)
    if is_unfinished:
        names = (session.tenant_id, session.user_id, session.session_id)
        runtime.enqueue.send("summarize", *names, priority=LATER)
    faults.point("summarize.enqueued")
    return is_complete


def _commit(runtime: Runtime, session: SessionScope, lease: Lease, owed: dict[str, int], *, is_complete: bool) -> None:
    key, settings = session.key, runtime.settings
    with runtime.postgres.connection() as connection, connection.transaction():
        # Lock user, lease and session in the same order as removals and erasures, so that there is no deadlock. With
        # the user locked, no fact of the profile is retracted meanwhile.
        connection.execute(_SQL["lock_user"], key)
        leases.release(connection, lease)
        digests.store_summary(
            connection, session, through=owed["applied_through"], limit_tokens=settings.summary_tokens
        )
        profile.rebuild_profile(connection, session.user, limit_tokens=settings.profile_tokens)
        if is_complete and connection.execute(_SQL["mark_summarized"], key | owed).fetchone() is None:
            raise StaleLease("another worker has summarized this session meanwhile")
        faults.point("summarize.before_commit")
    faults.point("summarize.after_commit")


def _make_digests(runtime: Runtime, session: SessionScope, lease: Lease, *, through: int) -> bool:
    """Make the digests that are due, at most DIGESTS_PER_TASK. Return whether all are made.

    Each is stored before the next one is begun, so that no call is paid for twice.
    """
    for number in itertools.count():
        work = _next_work(runtime, session, through)
        if work is None:
            return True
        if number == DIGESTS_PER_TASK:
            break
        draft = _make_draft(runtime, session, lease, work)
        if draft is not None:
            faults.point("summarize.answer_received")
        with runtime.postgres.connection() as connection, connection.transaction():
            leases.fence(connection, lease)
            if draft is None:
                digests.delete_digest(connection, session, work.digest)
                continue
            digests.store_digest(connection, session, work.digest, draft)
            if draft.dropped:
                counters.increment(connection, counters.STATEMENTS_DROPPED, draft.dropped)
        faults.point("summarize.answer_stored")
    return False


def _next_work(runtime: Runtime, session: SessionScope, through: int) -> DigestWork | None:
    with runtime.postgres.connection() as connection:
        return digests.next_digest_work(connection, session, through=through, width=runtime.settings.summary_run)


def _make_draft(runtime: Runtime, session: SessionScope, lease: Lease, work: DigestWork) -> DigestDraft | None:
    """Return the draft of a digest; None if it has no sources left."""
    if not work.sources:
        return None
    if runtime.settings.is_offline:
        return runtime.summarizer.summarize(work.sources)
    try:
        return runtime.llm_breaker.call(
            lambda: _call_summarizer(runtime, session, lease, work), caller=f"summary of {session}"
        )
    except ModelRefused as error:
        endpoint_check.check_after_refusal(runtime, lease, error)
        # A second call would also be refused, and paid for. So rules make this digest.
        logger.warning("a digest of %s is made by rules: %s", session, error)
        return OfflineSummarizer().summarize(work.sources)


def _call_summarizer(runtime: Runtime, session: SessionScope, lease: Lease, work: DigestWork) -> DigestDraft:
    summarizer = runtime.summarizer
    with calls.reserved(
        runtime.postgres,
        lease,
        session,
        stage="summarize",
        model=summarizer.model,
        expected_tokens=summarizer.expected_tokens(work.sources),
        daily_tokens=runtime.settings.user_daily_tokens,
    ) as call:
        draft = summarizer.summarize(work.sources)
        call.took(draft)
    with runtime.postgres.connection() as connection:
        calls.record_result(connection, call)
    return draft
