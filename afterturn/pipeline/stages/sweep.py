"""The sweep: what is owed, and not being worked on? Every debt is derived from state, so a lost message is found."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

import redis

from afterturn import faults
from afterturn.database import queries, sqlstates
from afterturn.embedding import missing_vectors
from afterturn.forgetting import erasures
from afterturn.hot import keys, pending
from afterturn.importing import cutting
from afterturn.pipeline.runtime import Runtime
from afterturn.pipeline.stages import archive

logger = logging.getLogger(__name__)

_SQL = queries.load("sweep")

#: Sessions in one archive message: one transaction archives them all. Larger: fewer transactions, but a backlog keeps
#: the users' rows locked for longer (20 sessions of 500 turns: about 2 s) and occupies one process while others idle.
SESSIONS_PER_ARCHIVE = 20
#: Sessions that one sweep hands out per shard; the rest is found by the next sweep.
SESSIONS_PER_SHARD = 200
#: Batches handed out per sweep while their endpoint is away: one of them will be let through to probe it.
PROBES = 2
#: Memories that one sweep hands out to be indexed where they are large: that takes seconds of a thread.
INDEXES = 4
#: The stages whose debts a sweep counts.
OWED = ("archive", "extract", "embed", "judge", "consolidate", "summarize", "sleep", "index", "vectors", "erase")
#: What a batch that stands at a step needs next.
STAGE_AFTER = {"pending": "extract", "extracted": "embed", "unjudged": "judge", "embedded": "consolidate"}
#: An archive that died is repeated after this long, or after a lease where that is shorter. Too short: two archive the
#: same, harmlessly.
ARCHIVE_CLAIM_SECONDS = 10.0


def sweep(runtime: Runtime) -> dict[str, int]:
    """Enqueue all that is owed; returns how much per stage. Does nothing when another sweep has just begun."""
    milliseconds = max(1, int(runtime.settings.sweep_seconds * 800))
    if not runtime.redis.set(keys.SWEEP_GATE, "1", nx=True, px=milliseconds):
        return {}
    faults.point("sweep.begun")
    owed = Counter(dict.fromkeys(OWED, 0))
    for step in (
        _owed_archives,
        _cut_due,
        _cut_imported,
        _resume,
        _owed_batches,
        _owed_summaries,
        _owed_sleeps,
        _owed_indexes,
        _owed_vectors,
        _owed_erasures,
    ):
        owed.update(_try(step, runtime))
    faults.point("sweep.enqueued")
    return dict(owed)


def _try(step: Callable[[Runtime], dict[str, int]], runtime: Runtime) -> dict[str, int]:
    """Do one step of the sweep. An error that is the step's own does not keep the other steps from their work."""
    try:
        return step(runtime)
    except redis.RedisError:
        raise
    except Exception as error:
        if sqlstates.is_passing(error):
            raise
        logger.exception("a step of the sweep failed (%s)", sqlstates.describe(error))
        return {}


def reconcile(runtime: Runtime) -> int:
    """Find pending turns that no due entry names, and name them. Returns how many sessions were found."""
    return pending.reconcile(runtime.redis)


def _owed_archives(runtime: Runtime) -> dict[str, int]:
    claim_seconds = min(ARCHIVE_CLAIM_SECONDS, runtime.settings.lease_seconds)
    sessions = pending.claim_due(runtime.redis, claim_seconds=claim_seconds, limit_per_shard=SESSIONS_PER_SHARD)
    faults.point("sweep.archives_claimed")
    for start in range(0, len(sessions), SESSIONS_PER_ARCHIVE):
        chunk = sessions[start : start + SESSIONS_PER_ARCHIVE]
        runtime.enqueue.send("archive", [[s.tenant_id, s.user_id, s.session_id] for s in chunk])
    faults.point("sweep.archives_enqueued")
    return {"archive": len(sessions)}


def _cut_due(runtime: Runtime) -> dict[str, int]:
    new_batches = archive.cut_due(runtime.postgres, runtime.settings, limit=SESSIONS_PER_SHARD)
    faults.point("sweep.cut_committed")
    for batch in new_batches:
        runtime.enqueue.send(batch.stage, batch.scope.tenant_id, batch.scope.user_id, str(batch.batch_id))
    return {"extract": len(new_batches)}


def _cut_imported(runtime: Runtime) -> dict[str, int]:
    new_batches = cutting.cut_imported_batches(runtime.postgres, runtime.settings)
    faults.point("sweep.imports_cut")
    for batch in new_batches:
        runtime.enqueue.send(batch.stage, batch.scope.tenant_id, batch.scope.user_id, str(batch.batch_id))
    return {"extract": len(new_batches)}


def _resume(runtime: Runtime) -> dict[str, int]:
    """Let batches go on that a smaller budget paused: somebody has raised the setting."""
    with runtime.postgres.connection() as connection:
        connection.execute(_SQL["resume"], {"daily_tokens": runtime.settings.user_daily_tokens})
    return {}


def _owed_batches(runtime: Runtime) -> dict[str, int]:
    # While an endpoint is away its batches are not handed out, but for a few that may probe it.
    window = runtime.settings.hint_window
    limits = {
        "pending": PROBES if runtime.llm_breaker.is_open() else window,
        "extracted": PROBES if runtime.embedder_breaker.is_open() else window,
        "unjudged": PROBES if runtime.llm_breaker.is_open() else window,
        "embedded": window,
    }
    counts: dict[str, int] = {}
    for step, limit in limits.items():
        rows = _marked(runtime, "owed_batches", step=step, limit=limit)
        faults.point("sweep.hints_committed")
        for row in rows:
            stage = STAGE_AFTER[step]
            runtime.enqueue.send(stage, row["tenant_id"], row["user_id"], str(row["batch_id"]))
            counts[stage] = counts.get(stage, 0) + 1
    return counts


def _owed_summaries(runtime: Runtime) -> dict[str, int]:
    limit = PROBES if runtime.llm_breaker.is_open() else runtime.settings.hint_window
    rows = _marked(runtime, "owed_summaries", limit=limit)
    for row in rows:
        runtime.enqueue.send("summarize", row["tenant_id"], row["user_id"], row["session_id"])
    return {"summarize": len(rows)}


def _owed_sleeps(runtime: Runtime) -> dict[str, int]:
    limit = PROBES if runtime.llm_breaker.is_open() else runtime.settings.hint_window
    rows = _marked(runtime, "owed_sleeps", limit=limit, sleep_seconds=runtime.settings.sleep_seconds)
    for row in rows:
        runtime.enqueue.send("sleep", row["tenant_id"], row["user_id"])
    return {"sleep": len(rows)}


def _owed_indexes(runtime: Runtime) -> dict[str, int]:
    rows = _marked(runtime, "owed_indexes", limit=INDEXES)
    for row in rows:
        runtime.enqueue.send("index", row["tenant_id"], row["user_id"])
    return {"index": len(rows)}


def _owed_vectors(runtime: Runtime) -> dict[str, int]:
    """Hand out the users with single texts that the embedder refused, when their next attempt is due."""
    with runtime.postgres.connection() as connection:
        users = missing_vectors.claim_due(connection, limit=runtime.settings.hint_window)
    for user in users:
        runtime.enqueue.send("vectors", user.tenant_id, user.user_id)
    return {"vectors": len(users)}


def _owed_erasures(runtime: Runtime) -> dict[str, int]:
    with runtime.postgres.connection() as connection:
        users = erasures.unfinished(connection)
    for user in users:
        runtime.enqueue.send("erase", user.tenant_id, user.user_id)
    return {"erase": len(users)}


def _marked(runtime: Runtime, query: str, **arguments: Any) -> list[dict[str, Any]]:
    hint_seconds = {"hint_seconds": runtime.settings.hint_seconds}
    with runtime.postgres.connection() as connection:
        return connection.execute(_SQL[query], hint_seconds | arguments).fetchall()
