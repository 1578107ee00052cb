"""Freshness: from the moment in which Redis acknowledged a turn to the moment in which its fact can be found."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any, LiteralString, Self

from afterturn.settings import Settings
from api_shim import MemoryClient
from bench import timing
from bench.ledger import Ledger
from bench.progress import Progress
from bench.report import Value
from bench.workload import Message

#: How often Postgres is asked for new facts; what is found is late by half of it on average.
LOOK_SECONDS = 0.2
#: A transaction begins before it commits: facts are looked for again this far back.
OVERLAP = timedelta(seconds=3)
#: Longer than the longest wait for a full batch, by this: what is not there by then is counted as lost.
PATIENCE_SECONDS = 300.0

_NEW_FACTS: LiteralString = """
SELECT t.turn_id, t.written_at, f.recorded_at, b.cut_by, b.created_at AS cut_at,
       b.created_at - oldest.archived_at AS oldest_waited
FROM facts AS f
JOIN evidence AS e USING (tenant_id, user_id, fact_id)
JOIN turns AS t ON (t.tenant_id, t.user_id, t.session_id, t.position)
                 = (e.tenant_id, e.user_id, e.session_id, e.position)
JOIN batches AS b ON (b.tenant_id, b.user_id, b.batch_id) = (f.tenant_id, f.user_id, f.batch_id)
JOIN turns AS oldest ON (oldest.tenant_id, oldest.user_id, oldest.session_id, oldest.position)
                      = (b.tenant_id, b.user_id, b.session_id, b.first_position)
WHERE f.recorded_at > %(since)s AND f.session_id = %(session_id)s
"""

SESSION = "steady"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One turn's way to its fact."""

    #: From its write to its fact.
    seconds: float
    #: The last part of it: from the moment in which its batch was cut.
    after_cut_seconds: float
    #: size, idle or age.
    cut_by: str


class Watch:
    """Looks for new facts of the steady part, and notes how long each turn's first one took."""

    def __init__(self, book: Ledger, *, max_age_seconds: float) -> None:
        self._book = book
        self._max_age = timedelta(seconds=max_age_seconds)
        self._since = datetime.now(UTC)
        self.ways: dict[str, Way] = {}

    def look(self) -> int:
        """Look once; returns how many turns have a fact by now."""
        rows = self._book.rows(_NEW_FACTS, since=self._since, session_id=SESSION)
        now = datetime.now(UTC)
        for row in rows:
            self.ways.setdefault(row["turn_id"], self._way(row, now))
        self._since = max([self._since, *(row["recorded_at"] - OVERLAP for row in rows)])
        return len(self.ways)

    def _way(self, row: dict[str, Any], now: datetime) -> Way:
        is_old = row["oldest_waited"] >= self._max_age
        return Way(
            seconds=(now - row["written_at"]).total_seconds(),
            after_cut_seconds=(now - row["cut_at"]).total_seconds(),
            cut_by="size" if row["cut_by"] == "size" else "age" if is_old else "idle",
        )


def figures_of(ways: list[Way]) -> dict[str, Value]:
    """Return the percentiles, and which share of the turns waited for what."""
    if not ways:
        return {"freshness_p50_s": None, "freshness_p95_s": None}
    seconds = [way.seconds for way in ways]
    after_cut = [way.after_cut_seconds for way in ways]
    return {
        "freshness_p50_s": median(seconds),
        "freshness_p95_s": timing.percentile(seconds, 0.95),
        "after_cut_p50_s": median(after_cut),
        "after_cut_p95_s": timing.percentile(after_cut, 0.95),
        "share_cut_by_idle": sum(way.cut_by == "idle" for way in ways) / len(ways),
        "share_cut_by_age": sum(way.cut_by == "age" for way in ways) / len(ways),
    }


class SteadyWriter(threading.Thread):
    """Writes turns at a steady rate: each at its time, however long the one before has taken."""

    def __init__(self, said: Iterator[Message], settings: Settings, *, turns: int, per_second: float) -> None:
        super().__init__(name="steady", daemon=True)
        self._said = said
        self._settings = settings
        self._turns = turns
        self._per_second = per_second
        self._is_stopped = threading.Event()
        self.problem: Exception | None = None

    def run(self) -> None:
        started = time.monotonic()
        try:
            for number in range(self._turns):
                if self._is_stopped.wait(max(0.0, started + number / self._per_second - time.monotonic())):
                    return
                message = next(self._said)
                memory = MemoryClient(message.user_id, SESSION, settings=self._settings)
                memory.write(message.role, message.content)
        except Exception as error:
            self.problem = error

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._is_stopped.set()
        self.join()


def measured(
    said: Iterator[Message], turns: int, per_second: float, settings: Settings, book: Ledger, progress: Progress
) -> dict[str, Value]:
    """Write the next `turns` of what is said at a steady rate, flush nothing, and time each turn's way to its fact."""
    progress.begin("turns that became facts", turns)
    watch = Watch(book, max_age_seconds=settings.batch_max_age_seconds)
    deadline = time.monotonic() + turns / per_second + settings.batch_max_age_seconds + PATIENCE_SECONDS
    with SteadyWriter(said, settings, turns=turns, per_second=per_second) as writer:
        while watch.look() < turns and time.monotonic() < deadline:
            if writer.problem is not None:
                raise writer.problem
            progress.reached(len(watch.ways))
            time.sleep(LOOK_SECONDS)
    progress.reached(len(watch.ways))
    return figures_of(list(watch.ways.values()))
