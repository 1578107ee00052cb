"""Freshness: from the moment in which Redis acknowledged a turn to the moment in which its fact can be found."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from statistics import median
from typing import LiteralString

from afterturn.settings import Settings
from api_shim import MemoryClient
from bench import timing
from bench.ledger import Ledger
from bench.report import Value
from bench.workload import Message

#: How often Postgres is asked for new facts; what is found is late by half of it on average.
LOOK_SECONDS = 0.1
#: A transaction begins before it commits: facts are looked for again this far back.
OVERLAP_SECONDS = 5.0

_NEW_FACTS: LiteralString = """
SELECT e.fact_id, t.turn_id, extract(epoch FROM t.written_at)::float AS written_at, b.cut_by, f.recorded_at
FROM facts AS f
JOIN evidence AS e USING (tenant_id, user_id, fact_id)
JOIN turns AS t ON (t.tenant_id, t.user_id, t.session_id, t.position)
                 = (e.tenant_id, e.user_id, e.session_id, e.position)
JOIN batches AS b ON (b.tenant_id, b.user_id, b.batch_id) = (f.tenant_id, f.user_id, f.batch_id)
WHERE f.recorded_at > %(since)s
"""


class Watch:
    """Looks for new facts, and notes when each turn's first one was there."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._since = datetime.now(UTC)
        #: turn id -> seconds from its write to its fact, and why its batch was cut.
        self.found: dict[str, tuple[float, str]] = {}

    def look(self) -> int:
        """Look once; returns how many turns have a fact by now."""
        rows = self._ledger.rows(_NEW_FACTS, since=self._since)
        now = time.time()
        for row in rows:
            self.found.setdefault(row["turn_id"], (now - row["written_at"], row["cut_by"]))
        if rows:
            newest = max(row["recorded_at"] for row in rows).timestamp()
            self._since = max(self._since, datetime.fromtimestamp(newest - OVERLAP_SECONDS, UTC))
        return len(self.found)

    def look_until(self, turns: int, *, deadline_seconds: float, tell: Callable[[int], None]) -> None:
        """Look until this many turns have a fact, or the deadline has passed."""
        deadline = time.monotonic() + deadline_seconds
        while (count := self.look()) < turns and time.monotonic() < deadline:
            tell(count)
            time.sleep(LOOK_SECONDS)
        tell(len(self.found))

    def figures(self) -> dict[str, Value]:
        """Return the percentiles, and which share of the turns waited for idle time or age, not for a full batch."""
        seconds = [freshness for freshness, _ in self.found.values()]
        if not seconds:
            return {"freshness_p50_s": None, "freshness_p95_s": None, "waited_for_idle_or_age": None}
        full = [freshness for freshness, cut_by in self.found.values() if cut_by == "size"]
        return {
            "freshness_p50_s": median(seconds),
            "freshness_p95_s": timing.percentile(seconds, 0.95),
            "freshness_of_full_batches_p95_s": timing.percentile(full, 0.95),
            "waited_for_idle_or_age": 1 - len(full) / len(seconds),
        }


def write_steadily(messages: Iterator[Message], settings: Settings, *, per_second: float, turns: int) -> Steady:
    """Begin to write this many turns at this rate, from a thread of its own."""
    writer = Steady(messages, settings, per_second=per_second, turns=turns)
    writer.start()
    return writer


class Steady(threading.Thread):
    """Writes turns at a steady rate: each at its time, however long the one before has taken."""

    def __init__(self, messages: Iterator[Message], settings: Settings, *, per_second: float, turns: int) -> None:
        super().__init__(name="steady", daemon=True)
        self._messages = messages
        self._settings = settings
        self._per_second = per_second
        self._turns = turns

    def run(self) -> None:
        started = time.monotonic()
        for number in range(self._turns):
            message = next(self._messages)
            time.sleep(max(0.0, started + number / self._per_second - time.monotonic()))
            memory = MemoryClient(message.user_id, "steady", settings=self._settings)
            memory.write(message.role, message.content)
