"""Choose the batches to hand out next: tenants get equal shares, and users without a backlog come first.

A queue is short, but a backlog of one user would fill it. So the messages of a user's first open batches have
priority, and workers take those of the rest of a backlog when there are no others. One of four batches that are handed
out is the oldest of its tenant, with priority: every batch is processed in the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from afterturn.database import queries
from afterturn.hot import keys
from afterturn.pipeline import hand_out
from afterturn.pipeline.enqueue import FIRST, LATER, priority_of
from afterturn.pipeline.runtime import Runtime

_SQL = queries.load("sweep")

#: The extraction of a live batch waits for the user's earlier batches while they are at most this old, so that it is
#: shown their facts. Larger: a long backlog of one user is worked on by one process at a time for longer. Smaller: with
#: a slow model, more is left to the judge.
IN_ORDER_SECONDS = 600

#: The largest number of batches whose pause one sweep ends. Others wait for the next sweep.
PAUSES_ENDED = 1_000


#: Stages that create no facts and are less urgent than new turns.
AFTER_FACTS = frozenset({"summarize", "sleep", "index"})
#: One of so many of their messages has priority, so that they are processed while facts keep all threads busy.
SHARE_OF_OTHERS = 4


def priority_in(stage: str, number: int) -> int:
    """Return the priority of a stage's message, the `number`-th that a sweep sends, from 0."""
    return LATER if stage in AFTER_FACTS and number % SHARE_OF_OTHERS else FIRST


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenBatch:
    """A batch that is handed out."""

    tenant_id: str
    user_id: str
    batch_id: str
    #: Of the message: FIRST or LATER.
    priority: int


def end_pauses(runtime: Runtime) -> None:
    """Make batches whose pause is over available for handing out."""
    with runtime.postgres.connection() as connection:
        connection.execute(_SQL["end_pauses"], {"limit": PAUSES_ENDED})


def choose_batches(runtime: Runtime, step: str, *, limit: int) -> list[ChosenBatch]:
    """Choose batches at one step that were not handed out yet, and mark them as handed out.

    Args:
        runtime: the servers.
        step: pending, extracted, unjudged or embedded.
        limit: how many at most.

    With more tenants than `limit`, the next call begins with the tenant after the last one.
    """
    chosen: list[ChosenBatch] = []
    begun_after = after = _read_tenant(runtime, step) if limit > 0 else ""
    while len(chosen) < limit:
        # Each round gives every tenant the same share. The next round gives the unused shares to the others.
        rows = _choose(runtime, step, after=after, limit=limit - len(chosen))
        chosen += map(_parse, rows)
        if not rows and not after:
            break
        tenants = {row["tenant_id"] for row in rows}
        after = max(tenants) if len(tenants) >= limit else ""
    if after != begun_after:
        _store_tenant(runtime, step, after)
    return chosen


def _choose(runtime: Runtime, step: str, *, after: str, limit: int) -> list[dict[str, Any]]:
    in_order_seconds = IN_ORDER_SECONDS if runtime.extractor.uses_known else 0
    arguments = {"step": step, "after": after, "limit": limit, "in_order_seconds": in_order_seconds}
    with runtime.postgres.connection() as connection:
        return connection.execute(_SQL["fresh_batches"], arguments).fetchall()


def _read_tenant(runtime: Runtime, step: str) -> str:
    """Return the last tenant of the last choice; empty if it had room for all tenants."""
    value = runtime.redis.hget(keys.QUEUES, f"tenant:{step}")
    return value.decode() if isinstance(value, bytes) else ""


def _store_tenant(runtime: Runtime, step: str, tenant_id: str) -> None:
    with runtime.redis.pipeline(transaction=False) as pipeline:
        pipeline.hset(keys.QUEUES, f"tenant:{step}", tenant_id)
        pipeline.expire(keys.QUEUES, hand_out.REMEMBERED_SECONDS)
        pipeline.execute()


def _parse(row: dict[str, Any]) -> ChosenBatch:
    return ChosenBatch(
        tenant_id=row["tenant_id"],
        user_id=row["user_id"],
        batch_id=str(row["batch_id"]),
        priority=FIRST if row["is_oldest"] else priority_of(row["place"]),
    )
