"""The state of the whole installation, or of one user's memory, at one moment: what `afterturn status` shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlsplit

import redis

from afterturn.database import counters
from afterturn.database.statement import Steps
from afterturn.endpoints import breaker
from afterturn.endpoints.breaker import BreakerState
from afterturn.errors import DatabaseMisconfigured, MemoryUnavailable
from afterturn.hot import backlog as hot_backlog
from afterturn.hot.backlog import HotBacklog
from afterturn.hot.commands import RedisSteps
from afterturn.settings import Settings
from afterturn.watching import backlog, broker, progress
from afterturn.watching.backlog import Backlog
from afterturn.watching.progress import Cost, Freshness, StageDelays
from afterturn.watching.reading import Ask, AskBroker, AskPostgres, AskRedis, Report


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


def report_status(settings: Settings, selection: Selection) -> Report[Status]:
    """Ask each server once. If one does not answer, the parts of the others are still returned."""
    away: dict[str, str] = {}
    hot_steps = _read_hot(settings.pending_limit_bytes_per_shard, selection)
    hot = yield from _unless_away(away, "redis", "AFTERTURN_REDIS_URL", AskRedis(hot_steps))
    broker_setting = "AFTERTURN_BROKER_URL" if settings.broker_url else "AFTERTURN_REDIS_URL"
    queues = yield from _unless_away(away, "broker", broker_setting, report_queues(settings))
    stored = yield from _unless_away(away, "postgres", "AFTERTURN_POSTGRES_URL", AskPostgres(_read_stored(selection)))
    return Status(
        at=datetime.now(UTC),
        selection=selection,
        objective_seconds=settings.objective_seconds,
        hot=hot,
        stored=stored,
        queues=queues,
        away=away,
    )


def report_queues(settings: Settings) -> Report[dict[str, int] | None]:
    """Return the number of waiting messages by stage; None without a question if the broker is not a plain Redis."""
    if urlsplit(settings.celery_broker_url).scheme not in ("redis", "rediss"):
        return None
    return (yield from AskBroker(broker.read_depths()))


Part = TypeVar("Part")


def _unless_away(
    away: dict[str, str], server: str, setting: str, part: Ask[Part] | Report[Part]
) -> Report[Part | None]:
    try:
        return (yield from part)
    except redis.RedisError as error:
        away[server] = f"{setting} did not answer: {type(error).__name__}"
    except DatabaseMisconfigured as error:
        away[server] = f"{setting}: {error}"
    except MemoryUnavailable as error:
        away[server] = f"{setting} did not answer: {type(error.__cause__).__name__}"
    return None


def _read_hot(limit_bytes_per_shard: int, selection: Selection) -> RedisSteps[HotState]:
    pending = yield from hot_backlog.read_hot_backlog(
        selection.tenant_id, selection.user_id, limit_bytes_per_shard=limit_bytes_per_shard
    )
    breakers = yield from breaker.read_states()
    return HotState(pending=pending, breakers=breakers)


def _read_stored(selection: Selection) -> Steps[StoredState]:
    owner = (selection.tenant_id, selection.user_id)
    seconds = selection.freshness_minutes * 60
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return StoredState(
        backlog=(yield from backlog.read_backlog(*owner)),
        dead_reasons=(yield from progress.read_dead_reasons(*owner)),
        counters=(yield from counters.read_counters()),
        freshness=(yield from progress.read_freshness(*owner, seconds=seconds)),
        delays=(yield from progress.read_stage_delays(*owner, seconds=seconds)),
        rejected_today=(yield from progress.read_rejected(*owner, since=midnight)),
        cost_today=(yield from progress.read_cost(*owner, since=midnight)),
    )
