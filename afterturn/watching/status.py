"""The current state of the whole installation, or of one user's memory, as `afterturn status` shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlsplit

import redis

from afterturn.database import counters
from afterturn.database.statement import Statement, Steps
from afterturn.database.steps import read_row
from afterturn.embedding import named_model
from afterturn.embedding.spaces import EmbeddingSpace
from afterturn.endpoints import breaker
from afterturn.endpoints.breaker import BreakerState
from afterturn.errors import DatabaseMisconfigured, MemoryUnavailable
from afterturn.hot import backlog as hot_backlog
from afterturn.hot import heartbeats, redis_url, worker_settings
from afterturn.hot import memory as hot_memory
from afterturn.hot.backlog import HotBacklog
from afterturn.hot.commands import RedisSteps, read_time
from afterturn.hot.heartbeats import Heartbeats
from afterturn.hot.memory import Memory
from afterturn.hot.worker_settings import DifferentSetting
from afterturn.pipeline.enqueue import STAGES
from afterturn.settings import Settings
from afterturn.watching import backlog, broker, deaths, embeddings, progress
from afterturn.watching.backlog import Backlog
from afterturn.watching.deaths import OutcomeCounts
from afterturn.watching.progress import Cost, Freshness, StageDelays
from afterturn.watching.reading import Ask, AskBroker, AskPostgres, AskRedis, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The owner of the state, and the period in which freshness is measured."""

    #: None: all tenants.
    tenant_id: str | None = None
    #: None: all users. Given only together with the tenant.
    user_id: str | None = None
    freshness_minutes: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HotState:
    """The part of the status that Redis stores."""

    pending: HotBacklog
    heartbeats: Heartbeats
    #: By endpoint. All users share them.
    breakers: dict[str, BreakerState]
    #: The settings that running workers of one kind do not agree on.
    different_settings: list[DifferentSetting]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredState:
    """The part of the status that Postgres stores."""

    backlog: Backlog
    #: Reason -> number of dead batches, without the discarded ones.
    dead_reasons: dict[str, int]
    #: Batches that became dead and that were applied, in the period of freshness.
    outcomes: OutcomeCounts
    #: Counters of rare events. All users share them.
    counters: dict[str, int]
    freshness: Freshness
    delays: StageDelays
    #: Since midnight, UTC: reason -> number of rejected candidates, or parts of them.
    rejected_today: dict[str, int]
    #: Since midnight, UTC.
    cost_today: Cost
    #: The embedding spaces that get vectors, the serving one first.
    spaces: list[EmbeddingSpace]
    #: Settings of this process that have no effect on this database.
    warnings: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The whole status. A part is None if its server is away."""

    at: datetime
    selection: Selection
    objective_seconds: float
    hot: HotState | None
    #: The memory of Redis; None also if Redis's user may not run INFO.
    memory: Memory | None
    stored: StoredState | None
    #: The number of waiting messages by stage; None also if the broker is not a plain Redis.
    queues: dict[str, int] | None
    #: The interval of the sweeps.
    sweep_seconds: float
    #: Server that did not answer -> its setting and the error.
    away: dict[str, str]

    @property
    def oldest_seconds(self) -> float | None:
        """The age of the oldest unprocessed turn, as far as the servers answered; None if there is none."""
        ages = (
            self.hot.pending.oldest_seconds if self.hot else None,
            self.stored.backlog.oldest_seconds if self.stored else None,
        )
        return max((age for age in ages if age is not None), default=None)

    @property
    def stages_without_workers(self) -> tuple[str, ...]:
        """The stages that no worker serves; empty if Redis does not answer."""
        return self.hot.heartbeats.stages_without_workers(STAGES) if self.hot else ()

    @property
    def is_sweeping(self) -> bool:
        """Whether the last completed sweep is recent. Without sweeps, lost hints are not sent again."""
        return self.hot is not None and self.hot.heartbeats.is_sweeping(self.sweep_seconds)

    @property
    def is_working(self) -> bool:
        """Whether a worker serves each stage, and sweeps are completed."""
        return self.is_sweeping and not self.stages_without_workers

    @property
    def is_objective_met(self) -> bool | None:
        """Whether no turn has waited for longer than the objective; None if that is unknown, or if no worker runs."""
        if (self.oldest_seconds or 0.0) > self.objective_seconds:
            return False
        return True if self.hot and self.stored and self.is_working else None


def report_status(settings: Settings, selection: Selection) -> Report[Status]:
    """Ask each server once. If one does not answer, the parts of the others are still returned."""
    away: dict[str, str] = {}
    hot_steps = _read_hot(settings.pending_limit_bytes_per_shard, selection)
    hot = yield from _unless_away(away, "redis", "AFTERTURN_REDIS_URL", AskRedis(hot_steps))
    if "redis" in away:
        away["redis"] += settings.explain_default("redis_url")
    broker_setting = "AFTERTURN_BROKER_URL" if settings.broker_url else "AFTERTURN_REDIS_URL"
    queues = yield from _unless_away(away, "broker", broker_setting, report_queues(settings))
    memory = (yield from _read_memory()) if hot else None
    redis_now = (yield from report_redis_time()) if hot else None
    stored = yield from _unless_away(
        away, "postgres", "AFTERTURN_POSTGRES_URL", AskPostgres(_read_stored(settings, selection, redis_now))
    )
    if "postgres" in away:
        away["postgres"] += settings.explain_default("postgres_url")
    return Status(
        at=datetime.now(UTC),
        selection=selection,
        objective_seconds=settings.objective_seconds,
        hot=hot,
        memory=memory,
        sweep_seconds=settings.sweep_seconds,
        stored=stored,
        queues=queues,
        away=away,
    )


def report_redis_time() -> Report[float | None]:
    """Return the Unix time by Redis's clock; None if Redis is away."""
    try:
        return (yield from AskRedis(read_time()))
    except redis.RedisError:
        return None


def report_queues(settings: Settings) -> Report[dict[str, int] | None]:
    """Return the number of waiting messages by stage; None, without a query, if the broker is not a plain Redis."""
    if urlsplit(settings.celery_broker_url).scheme not in redis_url.SCHEMES:
        return None
    return (yield from AskBroker(broker.read_depths()))


def _read_memory() -> Report[Memory | None]:
    try:
        return (yield from AskRedis(hot_memory.read_memory()))
    except redis.RedisError:
        return None


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
    beats = yield from heartbeats.read_heartbeats()
    different = yield from worker_settings.read_differences(beats.workers)
    return HotState(pending=pending, heartbeats=beats, breakers=breakers, different_settings=different)


def _read_stored(settings: Settings, selection: Selection, redis_now: float | None) -> Steps[StoredState]:
    owner = (selection.tenant_id, selection.user_id)
    seconds = selection.freshness_minutes * 60
    active = [row.space for row in (yield from embeddings.read_spaces()) if row.space.state != "retired"]
    midnight = (yield from read_row(Statement("SELECT date_trunc('day', now(), 'UTC') AS midnight", {})))["midnight"]
    return StoredState(
        backlog=(yield from backlog.read_backlog(*owner, redis_now=redis_now)),
        dead_reasons=(yield from progress.read_dead_reasons(*owner)),
        outcomes=(yield from deaths.read_outcome_counts(*owner, seconds=seconds)),
        counters=(yield from counters.read_counters()),
        freshness=(yield from progress.read_freshness(*owner, seconds=seconds)),
        delays=(yield from progress.read_stage_delays(*owner, seconds=seconds)),
        rejected_today=(yield from progress.read_rejected(*owner, since=midnight)),
        cost_today=(yield from progress.read_cost(*owner, since=midnight)),
        spaces=active,
        warnings=named_model.find_warnings(settings, active),
    )
