"""Who was heard, and when: workers while they consume, each completed sweep, and parts of `afterturn up` that die.

All times are by Redis's clock. What is not heard any more says that work stands still before anything is late.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import redis

from afterturn.hot import keys, scripts
from afterturn.hot.commands import RedisSteps

#: How often a worker is heard. Shorter: more writes. Longer: its end is noticed later.
EVERY_SECONDS = 5.0
#: A worker that is silent for longer counts as gone. A worker that reconnects to the broker may be silent for a while.
SILENT_SECONDS = 30.0
#: How long those that are silent are still listed.
_KEPT_MILLISECONDS = 24 * 3600 * 1000

SWEEP = '["sweep"]'


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardWorker:
    """A worker that was heard within the last day."""

    #: Its name, with its host: "fast@host".
    node: str
    #: The stages that it works on.
    stages: tuple[str, ...]
    #: Since it was heard.
    seconds: float

    @property
    def is_silent(self) -> bool:
        return self.seconds > SILENT_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class DyingPart:
    """A part of `afterturn up` that has died and is started again."""

    #: Such as "api".
    part: str
    host: str
    #: How often it has died, without having run for a while in between.
    deaths: int
    #: How it ended the last time: "exit code 1".
    ended: str
    #: Since `afterturn up` said so.
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """All that was heard."""

    #: Since the last sweep was completed; None where there was none within the last day.
    sweep_seconds: float | None
    workers: tuple[HeardWorker, ...]
    dying: tuple[DyingPart, ...]

    def silent_stages(self, stages: Iterable[str]) -> tuple[str, ...]:
        """Return which of these stages no worker works on."""
        worked_on = {stage for worker in self.workers if not worker.is_silent for stage in worker.stages}
        return tuple(stage for stage in stages if stage not in worked_on)

    def is_sweeping(self, sweep_every_seconds: float) -> bool:
        """Return whether a sweep was completed lately, where one is due this often."""
        limit = max(SILENT_SECONDS, 10 * sweep_every_seconds)
        return self.sweep_seconds is not None and self.sweep_seconds <= limit


def worker(node: str, stages: Collection[str]) -> str:
    """Return the name under which a worker is heard."""
    return json.dumps(["worker", node, sorted(stages)])


def dying_part(part: str, host: str, deaths: int, ended: str) -> str:
    """Return the name under which a part that dies is heard."""
    return json.dumps(["part", part, host, deaths, ended])


def note(client: redis.Redis, who: str, *, gone: Iterable[str] = ()) -> None:
    """Note that `who` is heard now, and that those in `gone` are heard of no more. Raises RedisError."""
    scripts.HEARD.run(client, (keys.HEARD,), who, _KEPT_MILLISECONDS, *gone)


def forget(client: redis.Redis, who: str) -> None:
    """Note that `who` has ended in order. Raises RedisError."""
    client.zrem(keys.HEARD, who)


def read_heard() -> RedisSteps[Heard]:
    """Return all that was heard within the last day."""
    (seconds, microseconds), rows = yield [("TIME",), ("ZRANGE", keys.HEARD, 0, -1, "WITHSCORES")]
    now = seconds * 1000 + microseconds / 1000
    ages = [(json.loads(name), max(0.0, (now - float(score)) / 1000)) for name, score in _pairs(rows)]
    sweeps = [age for (kind, *_), age in ages if kind == "sweep"]
    return Heard(
        sweep_seconds=min(sweeps, default=None),
        workers=tuple(
            HeardWorker(node=rest[0], stages=tuple(rest[1]), seconds=age)
            for (kind, *rest), age in ages
            if kind == "worker"
        ),
        dying=tuple(
            DyingPart(part=rest[0], host=rest[1], deaths=rest[2], ended=rest[3], seconds=age)
            for (kind, *rest), age in ages
            if kind == "part" and age <= SILENT_SECONDS
        ),
    )


def _pairs(rows: list[Any]) -> Iterable[tuple[bytes, Any]]:
    """Return members and scores, from redis-py's pairs or from Redis's flat list."""
    return rows if not rows or isinstance(rows[0], tuple | list) else zip(rows[::2], rows[1::2], strict=True)
