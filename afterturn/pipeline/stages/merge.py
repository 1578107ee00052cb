"""Merge: complete the merge of a user into another one. The command and the API do this themselves, unless they die."""

from __future__ import annotations

import logging
import time
from typing import cast

import redis

from afterturn import faults
from afterturn.access.access_log import Actor
from afterturn.errors import MemoryUnavailable, MergeRefused
from afterturn.forgetting import merges
from afterturn.forgetting.merges import MergeReceipt
from afterturn.hot import keys, user_keys
from afterturn.hot.user_keys import UserKeys
from afterturn.pipeline.runtime import Runtime
from afterturn.pipeline.stages import archive
from afterturn.scopes import SessionScope, UserScope

logger = logging.getLogger(__name__)

#: A merge waits this long for work in progress of the source: its LLM calls are paid for. Then their results are lost.
QUIET_SECONDS = 10.0
_POLL_SECONDS = 0.1
#: How often pending turns are read before the merge: writers may go on for ever.
_ARCHIVES = 20


def merge_users(runtime: Runtime, source: UserScope, target: UserScope, *, actor: Actor | None = None) -> MergeReceipt:
    """Merge a user into another one. The same request again returns the same receipt.

    Args:
        runtime: of the process.
        source: the user who vanishes.
        target: the user of the same tenant who gets everything.
        actor: who requests it, for the access log. Doors give it.

    Raises MergeRefused, or MemoryUnavailable. If the request was stored by then, the workers complete it.
    """
    with runtime.postgres.connection() as connection:
        merges.request_merge(connection, source, target, actor=actor)
    merge(runtime, source)
    with runtime.postgres.connection() as connection:
        receipt = merges.read_receipt(connection, source)
    if receipt is None:
        raise MergeRefused("one of the users was forgotten meanwhile")
    if receipt.completed_at is None:
        raise MemoryUnavailable("the merge is requested, and the workers will complete it")
    return receipt


def merge(runtime: Runtime, source: UserScope) -> bool:
    """Complete the requested merge of a user. Returns whether there was one.

    It can be called again at any time, and continues where an earlier run ended.
    """
    faults.point("merge.begun")
    with runtime.postgres.connection() as connection:
        receipt = merges.read_receipt(connection, source)
    if receipt is None or receipt.completed_at is not None:
        return False
    _archive_pending(runtime, source)
    faults.point("merge.archived")
    _wait_for_quiet(runtime, source)
    # Sessions of which Postgres knows nothing yet: a session of the source must not get the id of one of them.
    pending = user_keys.list_indexed_sessions(runtime.redis, UserScope(source.tenant_id, receipt.current_target))
    taken = {session.session_id for session in pending}
    tokens = runtime.settings.profile_tokens
    if not merges.move(runtime, source, pending_sessions=taken, profile_tokens=tokens):
        return False
    faults.point("merge.after_commit")
    # A process that died after the commit left no list of the sessions: the keys are searched.
    _remove_recent(runtime.redis, source, UserKeys(runtime.redis).sessions(source))
    _remove_states(runtime, source, UserScope(source.tenant_id, receipt.current_target))
    faults.point("merge.redis_cleared")
    with runtime.postgres.connection() as connection:
        merges.complete(connection, source)
    return True


def _archive_pending(runtime: Runtime, source: UserScope) -> None:
    """Archive what is pending, so that it moves with the rest. What is written later is archived for the target."""
    for _ in range(_ARCHIVES):
        indexed = user_keys.list_indexed_sessions(runtime.redis, source)
        pending = [session for session in sorted(indexed) if runtime.redis.xlen(keys.pending(session))]
        if not pending:
            return
        archive.archive(runtime.redis, runtime.postgres, runtime.settings, pending)


def _wait_for_quiet(runtime: Runtime, source: UserScope) -> None:
    deadline = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < deadline:
        with runtime.postgres.connection() as connection:
            if not merges.has_live_leases(connection, source):
                return
        time.sleep(_POLL_SECONDS)
    logger.warning("the merge of a user does not wait any longer for work in progress; it is done again")


def _remove_recent(client: redis.Redis, source: UserScope, sessions: set[SessionScope]) -> None:
    """Remove the archived turns of the source from Redis. Pending ones stay: they are archived for the target."""
    names = [keys.shown(source)]
    for session in sessions:
        names += [keys.recent(session), keys.items(session)]
        names += [] if client.xlen(keys.pending(session)) else [keys.known_ids(session)]
    cast(int, client.delete(*names))


def _remove_states(runtime: Runtime, source: UserScope, target: UserScope) -> None:
    """Remove the copies of documents of agent state in Redis, and the locks of the source.

    The next read takes the documents from Postgres, and is refused for the source: from now on nobody begins a version
    of the source's documents. Those that were written until now are archived for the target, whose copies go last:
    Redis may know an older version of one, or that there is none.
    """
    cast(int, runtime.redis.delete(keys.state(source), keys.documents(source), keys.locks(source)))
    _archive_pending(runtime, source)
    cast(int, runtime.redis.delete(keys.state(target), keys.documents(target)))
