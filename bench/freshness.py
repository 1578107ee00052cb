"""Freshness: the time from the acknowledgement of a turn by Redis until its fact is searchable."""

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

#: The time between two queries for new facts. On average, a fact is found half of it late.
LOOK_SECONDS = 0.2
#: A transaction begins before it commits, so each query overlaps the one before by this time.
OVERLAP = timedelta(seconds=3)
#: The time after the longest wait for a full batch. Facts that are missing then are counted as lost.
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
class FactDelay:
    """The delay of the fact of one turn."""

    #: From the write of the turn to its fact.
    seconds: float
    #: The last part of it: from the cut of its batch.
    after_cut_seconds: float
    #: size, idle or age.
    cut_by: str


class FactWatcher:
    """Reads new facts of the steady part, and measures the delay of each turn's first fact."""

    def __init__(self, book: Ledger, *, max_age_seconds: float) -> None:
        self._book = book
        self._max_age = timedelta(seconds=max_age_seconds)
        self._since = datetime.now(UTC)
        self.delays: dict[str, FactDelay] = {}

    def read_new_facts(self) -> int:
        """Read the new facts, and return the number of turns with a fact."""
        rows = self._book.rows(_NEW_FACTS, since=self._since, session_id=SESSION)
        now = datetime.now(UTC)
        for row in rows:
            self.delays.setdefault(row["turn_id"], self._delay(row, now))
        self._since = max([self._since, *(row["recorded_at"] - OVERLAP for row in rows)])
        return len(self.delays)

    def _delay(self, row: dict[str, Any], now: datetime) -> FactDelay:
        is_old = row["oldest_waited"] >= self._max_age
        return FactDelay(
            seconds=(now - row["written_at"]).total_seconds(),
            after_cut_seconds=(now - row["cut_at"]).total_seconds(),
            cut_by="size" if row["cut_by"] == "size" else "age" if is_old else "idle",
        )


def figures_of(delays: list[FactDelay]) -> dict[str, Value]:
    """Return the percentiles, and the shares of turns whose batches were cut by idle time and by age."""
    if not delays:
        return {"freshness_p50_s": None, "freshness_p95_s": None}
    seconds = [delay.seconds for delay in delays]
    after_cut = [delay.after_cut_seconds for delay in delays]
    return {
        "freshness_p50_s": median(seconds),
        "freshness_p95_s": timing.percentile(seconds, 0.95),
        "after_cut_p50_s": median(after_cut),
        "after_cut_p95_s": timing.percentile(after_cut, 0.95),
        "share_cut_by_idle": sum(delay.cut_by == "idle" for delay in delays) / len(delays),
        "share_cut_by_age": sum(delay.cut_by == "age" for delay in delays) / len(delays),
    }


class SteadyWriter(threading.Thread):
    """Writes turns at a steady rate. The time of a turn does not depend on the duration of the one before."""

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
    """Write the next `turns` messages at a steady rate without a flush, and measure the delay of each turn's fact."""
    progress.begin("turns that became facts", turns)
    watcher = FactWatcher(book, max_age_seconds=settings.batch_max_age_seconds)
    deadline = time.monotonic() + turns / per_second + settings.batch_max_age_seconds + PATIENCE_SECONDS
    with SteadyWriter(said, settings, turns=turns, per_second=per_second) as writer:
        while watcher.read_new_facts() < turns and time.monotonic() < deadline:
            if writer.problem is not None:
                raise writer.problem
            progress.reached(len(watcher.delays))
            time.sleep(LOOK_SECONDS)
    progress.reached(len(watcher.delays))
    return figures_of(list(watcher.delays.values()))
