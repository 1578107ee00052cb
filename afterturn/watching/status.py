"""The state of the whole installation, or of one user's memory, at one moment: what `afterturn status` prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import psycopg
import redis

from afterturn.database import counters
from afterturn.database.pool import Connection, worker_connection
from afterturn.endpoints import breaker
from afterturn.endpoints.breaker import BreakerState
from afterturn.errors import MemoryUnavailable
from afterturn.hot import backlog as hot_backlog
from afterturn.hot.backlog import HotBacklog
from afterturn.settings import Settings
from afterturn.watching import backlog, broker, progress
from afterturn.watching.backlog import Backlog
from afterturn.watching.progress import Cost, Freshness, StageDelays

#: What Postgres says, by its names in the JSON.
STORED_PARTS = (
    *("uncut", "batches", "paused", "dead", "leases", "summaries", "erasures"),
    *("imports", "counters", "freshness", "rejected", "today"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Whose state, and over which time freshness is taken."""

    #: None: all tenants.
    tenant_id: str | None = None
    #: None: all users. Named only together with the tenant.
    user_id: str | None = None
    freshness_minutes: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HotState:
    """What Redis knows."""

    pending: HotBacklog
    #: By endpoint. They are everybody's.
    breakers: dict[str, BreakerState]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredState:
    """What Postgres knows."""

    backlog: Backlog
    #: Why batches are dead -> how many; discarded ones are not among them.
    dead_reasons: dict[str, int]
    #: What happens rarely and must be seen. They are everybody's.
    counters: dict[str, int]
    freshness: Freshness
    delays: StageDelays
    #: Since midnight, UTC: why candidates for facts, or parts of them, were not believed -> how many.
    rejected_today: dict[str, int]
    #: Since midnight, UTC.
    cost_today: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """All of it. A part is None when its server is away."""

    at: datetime
    selection: Selection
    objective_seconds: float
    hot: HotState | None
    stored: StoredState | None
    #: Messages that wait, by stage; None as well where the broker is not a plain Redis.
    queues: dict[str, int] | None
    #: Which servers did not answer -> what was tried.
    away: dict[str, str]

    @property
    def oldest_seconds(self) -> float | None:
        """How long the oldest turn has waited to become facts, as far as is known; None where none waits."""
        ages = (
            self.hot.pending.oldest_seconds if self.hot else None,
            self.stored.backlog.oldest_seconds if self.stored else None,
        )
        return max((age for age in ages if age is not None), default=None)

    @property
    def is_objective_met(self) -> bool | None:
        """Whether nothing waits for longer than it should; None when that cannot be known."""
        if (self.oldest_seconds or 0.0) > self.objective_seconds:
            return False
        return True if self.hot and self.stored else None


def read(settings: Settings, selection: Selection) -> Status:
    """Ask all servers once, each for its part. One that is away takes no part of another's with it."""
    away: dict[str, str] = {}
    hot = _unless_away(away, "redis", "AFTERTURN_REDIS_URL", lambda: _read_hot(settings, selection))
    stored = _unless_away(away, "postgres", "AFTERTURN_POSTGRES_URL", lambda: _read_stored(settings, selection))
    seconds = settings.redis_timeout_seconds
    queues = _unless_away(
        away,
        "broker",
        "AFTERTURN_BROKER_URL" if settings.broker_url else "AFTERTURN_REDIS_URL",
        lambda: broker.depths(settings.celery_broker_url, timeout_seconds=seconds),
    )
    return Status(
        at=datetime.now(UTC),
        selection=selection,
        objective_seconds=settings.objective_seconds,
        hot=hot,
        stored=stored,
        queues=queues,
        away=away,
    )


Part = TypeVar("Part")


def _unless_away(away: dict[str, str], server: str, setting: str, read_part: Callable[[], Part]) -> Part | None:
    try:
        return read_part()
    except (redis.RedisError, MemoryUnavailable) as error:
        cause = error.__cause__ if isinstance(error, MemoryUnavailable) else error
        away[server] = f"{setting} did not answer: {type(cause).__name__}"
    except psycopg.Error as error:
        away[server] = f"{setting} has another schema ({type(error).__name__}): run `afterturn migrate`"
    return None


def _read_hot(settings: Settings, selection: Selection) -> HotState:
    seconds = settings.redis_timeout_seconds
    with redis.Redis.from_url(settings.redis_url, socket_timeout=seconds, socket_connect_timeout=seconds) as client:
        return HotState(
            pending=hot_backlog.read(
                client,
                selection.tenant_id,
                selection.user_id,
                limit_bytes_per_shard=settings.pending_limit_bytes_per_shard,
            ),
            breakers=breaker.read_states(client),
        )


def _read_stored(settings: Settings, selection: Selection) -> StoredState:
    with worker_connection(settings) as connection, connection.transaction():
        return _read_all(connection, selection)


def _read_all(connection: Connection, selection: Selection) -> StoredState:
    owner = (selection.tenant_id, selection.user_id)
    seconds = selection.freshness_minutes * 60
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return StoredState(
        backlog=backlog.read(connection, *owner),
        dead_reasons=progress.read_dead_reasons(connection, *owner),
        counters=counters.read(connection),
        freshness=progress.read_freshness(connection, *owner, seconds=seconds),
        delays=progress.read_stage_delays(connection, *owner, seconds=seconds),
        rejected_today=progress.read_rejected(connection, *owner, since=midnight),
        cost_today=progress.read_cost(connection, *owner, since=midnight),
    )


def as_json(status: Status) -> dict[str, Any]:
    """Return it as JSON values. Keys are stable: all are always there, null where a server is away."""
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
        "breakers": {name: _breaker(state) for name, state in hot.breakers.items()} if hot else None,
        "queues": status.queues,
        **_stored(stored, status.selection),
    }


def _pending(pending: HotBacklog) -> dict[str, Any]:
    return asdict(pending) | {"is_alarming": pending.is_alarming}


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
        "dead": {"count": count, "reasons": stored.dead_reasons, "discarded": owed.discarded},
        "leases": asdict(owed.leases),
        "summaries": {"owed": owed.owed_summaries},
        "erasures": {"unfinished": owed.unfinished_erasures},
        "imports": {"turns": owed.imported_turns},
        "counters": stored.counters,
        "freshness": _freshness(stored, selection),
        "rejected": {"count": sum(stored.rejected_today.values()), "reasons": stored.rejected_today},
        "today": asdict(stored.cost_today),
    }


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
