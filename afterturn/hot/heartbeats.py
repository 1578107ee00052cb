"""Heartbeats in Redis: of workers while they consume, of completed sweeps, and of restarting parts of `afterturn up`.

All times are Redis's. A missing heartbeat shows that processing has stopped before any turn is late.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import redis

from afterturn.hot import keys, scripts
from afterturn.hot.commands import RedisSteps

#: The time between two heartbeats. Shorter: more writes. Longer: the end of a worker is noticed later.
INTERVAL_SECONDS = 5.0
#: A worker whose last heartbeat is older counts as ended. A worker sends none while it reconnects to the broker.
STALE_SECONDS = 30.0
#: How long the last heartbeat of an ended worker is kept.
_KEPT_MILLISECONDS = 24 * 3600 * 1000

SWEEP = '["sweep"]'


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerHeartbeat:
    """The last heartbeat of a worker, within the last day."""

    #: Its name, with its host: "fast@host".
    node: str
    #: The stages that it works on.
    stages: tuple[str, ...]
    #: Since the last heartbeat.
    seconds: float

    @property
    def is_stale(self) -> bool:
        return self.seconds > STALE_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartingPart:
    """A part of `afterturn up` that has exited and is started again."""

    #: Such as "api".
    part: str
    host: str
    #: How often it exited in a row, without running for a while in between.
    deaths: int
    #: How it ended the last time: "exit code 1".
    ended: str
    #: Since `afterturn up` reported it.
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeats:
    """All heartbeats of the last day."""

    #: Since the last sweep was completed; None where there was none within the last day.
    sweep_seconds: float | None
    workers: tuple[WorkerHeartbeat, ...]
    restarting: tuple[RestartingPart, ...]

    def stages_without_workers(self, stages: Iterable[str]) -> tuple[str, ...]:
        """Return the stages that no worker serves."""
        served = {stage for worker in self.workers if not worker.is_stale for stage in worker.stages}
        return tuple(stage for stage in stages if stage not in served)

    def is_sweeping(self, sweep_every_seconds: float) -> bool:
        """Return whether the last completed sweep is recent, given the interval of the sweeps."""
        limit = max(STALE_SECONDS, 10 * sweep_every_seconds)
        return self.sweep_seconds is not None and self.sweep_seconds <= limit


def worker(node: str, stages: Collection[str]) -> str:
    """Return the sender's name in the heartbeats of a worker."""
    return json.dumps(["worker", node, sorted(stages)])


def restarting_part(part: str, host: str, deaths: int, ended: str) -> str:
    """Return the sender's name in the heartbeats of a restarting part."""
    return json.dumps(["part", part, host, deaths, ended])


def record(client: redis.Redis, sender: str, *, gone: Iterable[str] = ()) -> None:
    """Record a heartbeat of the sender now, and remove those of the senders in `gone`. Raises RedisError."""
    scripts.HEARTBEATS.run(client, (keys.HEARTBEATS,), sender, _KEPT_MILLISECONDS, *gone)


def remove(client: redis.Redis, sender: str) -> None:
    """Remove the heartbeat of a sender that has ended. Raises RedisError."""
    client.zrem(keys.HEARTBEATS, sender)


def read_heartbeats() -> RedisSteps[Heartbeats]:
    """Return all heartbeats of the last day."""
    (seconds, microseconds), rows = yield [("TIME",), ("ZRANGE", keys.HEARTBEATS, 0, -1, "WITHSCORES")]
    now = seconds * 1000 + microseconds / 1000
    ages = [(json.loads(name), max(0.0, (now - float(score)) / 1000)) for name, score in _pairs(rows)]
    sweeps = [age for (kind, *_), age in ages if kind == "sweep"]
    return Heartbeats(
        sweep_seconds=min(sweeps, default=None),
        workers=tuple(
            WorkerHeartbeat(node=rest[0], stages=tuple(rest[1]), seconds=age)
            for (kind, *rest), age in ages
            if kind == "worker"
        ),
        restarting=tuple(
            RestartingPart(part=rest[0], host=rest[1], deaths=rest[2], ended=rest[3], seconds=age)
            for (kind, *rest), age in ages
            if kind == "part" and age <= STALE_SECONDS
        ),
    )


def _pairs(rows: list[Any]) -> Iterable[tuple[bytes, Any]]:
    """Return members and scores, from redis-py's pairs or from Redis's flat list."""
    return rows if not rows or isinstance(rows[0], tuple | list) else zip(rows[::2], rows[1::2], strict=True)
