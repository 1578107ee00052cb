"""The status as JSON values, for monitors: what `afterturn status --json` prints."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from afterturn.embedding.spaces import EmbeddingSpace
from afterturn.endpoints.breaker import BreakerState
from afterturn.hot.backlog import HotBacklog
from afterturn.hot.heartbeats import Heartbeats
from afterturn.hot.memory import Memory
from afterturn.watching.status import Selection, Status, StoredState

#: The names of Postgres's parts in the JSON.
STORED_PARTS = (
    *("uncut", "batches", "paused", "dead", "leases", "summaries", "erasures"),
    *("imports", "counters", "freshness", "rejected", "today", "embeddings"),
)


def as_json(status: Status) -> dict[str, Any]:
    """Return the status as JSON values. All keys are always present; the value is null if a server does not answer."""
    hot, stored = status.hot, status.stored
    return {
        "at": status.at.isoformat(),
        "tenant": status.selection.tenant_id,
        "user": status.selection.user_id,
        "away": status.away,
        "objective": {
            "seconds": status.objective_seconds,
            "oldest_seconds": status.oldest_seconds,
            "is_met": status.is_objective_met,
        },
        "pending": _pending(hot.pending) if hot else None,
        "memory": _memory(status.memory) if status.memory else None,
        "different_settings": [asdict(found) for found in hot.different_settings] if hot else None,
        "heartbeats": _heartbeats(hot.heartbeats, status) if hot else None,
        "breakers": {name: _breaker(state) for name, state in hot.breakers.items()} if hot else None,
        "queues": status.queues,
        **_stored(stored, status.selection),
    }


def _pending(pending: HotBacklog) -> dict[str, Any]:
    return asdict(pending) | {"is_alarming": pending.is_alarming}


def _memory(memory: Memory) -> dict[str, Any]:
    return asdict(memory) | {"share": memory.share, "is_alarming": memory.is_alarming}


def _heartbeats(heartbeats: Heartbeats, status: Status) -> dict[str, Any]:
    workers = [asdict(worker) | {"is_stale": worker.is_stale} for worker in heartbeats.workers]
    return {
        "is_working": status.is_working,
        "sweep_seconds": heartbeats.sweep_seconds,
        "stages_without_workers": list(status.stages_without_workers),
        "workers": workers,
        "restarting": [asdict(part) for part in heartbeats.restarting],
    }


def _breaker(state: BreakerState) -> dict[str, Any]:
    return asdict(state) | {"open_until": _moment(state.open_until)}


def _stored(stored: StoredState | None, selection: Selection) -> dict[str, Any]:
    if stored is None:
        return dict.fromkeys(STORED_PARTS)
    owed = stored.backlog
    count = sum(stored.dead_reasons.values())
    return {
        "uncut": asdict(owed.uncut),
        "batches": {name: asdict(step) for name, step in owed.steps.items()},
        "paused": {"count": owed.paused.count, "until": _moment(owed.paused.until)},
        "dead": {
            "count": count,
            "reasons": stored.dead_reasons,
            "discarded": owed.discarded,
            "recent": stored.outcomes.dead,
            "is_mass_death": stored.outcomes.is_mass_death,
        },
        "leases": asdict(owed.leases),
        "summaries": {"owed": owed.owed_summaries},
        "erasures": {"unfinished": owed.unfinished_erasures},
        "imports": {"turns": owed.imported_turns},
        "counters": stored.counters,
        "freshness": _freshness(stored, selection),
        "rejected": {"count": sum(stored.rejected_today.values()), "reasons": stored.rejected_today},
        "today": asdict(stored.cost_today),
        "embeddings": {
            "serving": next((_space(space) for space in stored.spaces if not space.is_building), None),
            "building": next((_space(space) for space in stored.spaces if space.is_building), None),
            "warnings": stored.warnings,
        },
    }


def _space(space: EmbeddingSpace) -> dict[str, Any]:
    return {"embedder": space.provider, "model": space.model, "dimension": space.dimension}


def _freshness(stored: StoredState, selection: Selection) -> dict[str, Any]:
    fresh = stored.freshness
    return {
        "minutes": selection.freshness_minutes,
        "searchable_turns": stored.delays.turns,
        "archived": {"p50": fresh.archived_p50, "p95": fresh.archived_p95},
        "searchable": {"p50": fresh.searchable_p50, "p95": fresh.searchable_p95},
        "stages": {name: asdict(delay) for name, delay in stored.delays.stages.items()},
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
