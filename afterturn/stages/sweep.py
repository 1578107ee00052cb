"""The sweep: what is owed, and not being worked on? Every debt is derived from state, so a lost message is found."""

from __future__ import annotations

import logging
from typing import Any

from afterturn.database import queries
from afterturn.hot import keys, pending
from afterturn.runtime import Runtime
from afterturn.stages import archive

logger = logging.getLogger(__name__)

_SQL = queries.load("sweep")

#: Sessions in one archive message: one transaction archives them all.
SESSIONS_PER_ARCHIVE = 100
#: Sessions that one sweep hands out per shard; the rest is found by the next sweep.
SESSIONS_PER_SHARD = 200
#: An archive that died is repeated after this long. Too short: two archive the same, harmlessly.
ARCHIVE_CLAIM_SECONDS = 10.0


def sweep(runtime: Runtime) -> dict[str, int]:
    """Enqueue all that is owed; returns how much per stage. Does nothing when another sweep has just begun."""
    milliseconds = max(1, int(runtime.settings.sweep_seconds * 800))
    if not runtime.redis.set(keys.SWEEP_GATE, "1", nx=True, px=milliseconds):
        return {}
    owed = {"archive": _owed_archives(runtime), "extract": _cut_due(runtime)}
    for stage, count in _owed_batches(runtime).items():
        owed[stage] = owed.get(stage, 0) + count
    owed["summarize"] = _owed_summaries(runtime)
    return owed


def _owed_archives(runtime: Runtime) -> int:
    sessions = pending.claim_due(runtime.redis, claim_seconds=ARCHIVE_CLAIM_SECONDS, limit_per_shard=SESSIONS_PER_SHARD)
    for start in range(0, len(sessions), SESSIONS_PER_ARCHIVE):
        chunk = sessions[start : start + SESSIONS_PER_ARCHIVE]
        runtime.enqueue.send("archive", [[s.tenant_id, s.user_id, s.session_id] for s in chunk])
    return len(sessions)


def _cut_due(runtime: Runtime) -> int:
    new_batches = archive.cut_due(runtime.postgres, runtime.settings, limit=SESSIONS_PER_SHARD)
    for batch in new_batches:
        runtime.enqueue.send("extract", batch.scope.tenant_id, batch.scope.user_id, str(batch.batch_id))
    return len(new_batches)


def _owed_batches(runtime: Runtime) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in _marked(runtime, "owed_batches"):
        stage = _stage_of(row)
        runtime.enqueue.send(stage, row["tenant_id"], row["user_id"], str(row["batch_id"]))
        counts[stage] = counts.get(stage, 0) + 1
    return counts


def _stage_of(row: dict[str, Any]) -> str:
    if row["state"] == "pending":
        return "extract"
    return "embed" if row["embedded_at"] is None else "consolidate"


def _owed_summaries(runtime: Runtime) -> int:
    rows = _marked(runtime, "owed_summaries")
    for row in rows:
        runtime.enqueue.send("summarize", row["tenant_id"], row["user_id"], row["session_id"])
    return len(rows)


def _marked(runtime: Runtime, query: str) -> list[dict[str, Any]]:
    settings = runtime.settings
    with runtime.postgres.connection() as connection:
        return connection.execute(
            _SQL[query], {"hint_seconds": settings.hint_seconds, "limit": settings.hint_window}
        ).fetchall()
