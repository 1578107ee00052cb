"""Freshness: the time from the end of a thought, as Redis acknowledges it, until all of its facts are searchable.

A thought is what a session says before it pauses: turns that follow one another (`workload.Pace`). The pipeline is not
told where a thought ends.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
from bench.workload import Message, PlannedTurn

#: The time between two queries for new facts. On average, a fact is found half of it late.
LOOK_SECONDS = 0.2
#: A transaction begins before it commits, so each query overlaps the one before by this time.
OVERLAP = timedelta(seconds=3)
#: The time after the longest wait for a full batch. Facts that are missing then are counted as lost.
PATIENCE_SECONDS = 300.0

#: The turns whose batch was applied: its facts are searchable from then on. A batch of small talk has none.
_APPLIED_TURNS: LiteralString = """
SELECT t.turn_id, t.written_at, b.applied_at, b.cut_by, b.created_at AS cut_at,
       b.created_at - oldest.archived_at AS oldest_waited
FROM batches AS b
JOIN turns AS t ON (t.tenant_id, t.user_id, t.session_id) = (b.tenant_id, b.user_id, b.session_id)
               AND t.position BETWEEN b.first_position AND b.last_position
JOIN turns AS oldest ON (oldest.tenant_id, oldest.user_id, oldest.session_id, oldest.position)
                      = (b.tenant_id, b.user_id, b.session_id, b.first_position)
WHERE b.applied_at > %(since)s AND b.session_id = %(session_id)s
"""

SESSION = "steady"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactDelay:
    """The delay of the facts of one turn."""

    written_at: datetime
    searchable_at: datetime
    #: The last part of the delay: from the cut of its batch.
    after_cut_seconds: float
    #: size, idle or age.
    cut_by: str

    @property
    def seconds(self) -> float:
        """The time from the write of the turn to its facts."""
        return (self.searchable_at - self.written_at).total_seconds()


class FactWatcher:
    """Reads the batches of the steady part that were applied, and notes when the facts of each turn were searchable."""

    def __init__(self, book: Ledger, *, max_age_seconds: float) -> None:
        self._book = book
        self._max_age = timedelta(seconds=max_age_seconds)
        self._since = datetime.now(UTC)
        self.delays: dict[str, FactDelay] = {}

    def read_new_facts(self) -> int:
        """Read what was applied since the last time, and return the number of turns whose facts are searchable."""
        rows = self._book.rows(_APPLIED_TURNS, since=self._since, session_id=SESSION)
        now = datetime.now(UTC)
        for row in rows:
            self.delays.setdefault(row["turn_id"], self._delay(row, now))
        self._since = max([self._since, *(row["applied_at"] - OVERLAP for row in rows)])
        return len(self.delays)

    def _delay(self, row: dict[str, Any], now: datetime) -> FactDelay:
        is_old = row["oldest_waited"] >= self._max_age
        return FactDelay(
            written_at=row["written_at"],
            searchable_at=now,
            after_cut_seconds=(now - row["cut_at"]).total_seconds(),
            cut_by="size" if row["cut_by"] == "size" else "age" if is_old else "idle",
        )


def figures_of(thoughts: Mapping[int, Sequence[str]], delays: Mapping[str, FactDelay]) -> dict[str, Value]:
    """Return the percentiles of thoughts and of turns, and how many turns were cut by idle time and by age.

    Args:
        thoughts: the ids of the turns of each thought, in order.
        delays: the delay of each turn, by its id. A thought with a turn without facts is left out.
    """
    complete = [turn_ids for turn_ids in thoughts.values() if all(turn_id in delays for turn_id in turn_ids)]
    if not complete:
        return {"freshness_p50_s": None, "freshness_p95_s": None}
    seconds = [_seconds_after(turn_ids, delays) for turn_ids in complete]
    of_turns = [delay.seconds for delay in delays.values()]
    after_cut = [delay.after_cut_seconds for delay in delays.values()]
    return {
        "freshness_p50_s": median(seconds),
        "freshness_p95_s": timing.percentile(seconds, 0.95),
        "turn_to_fact_p50_s": median(of_turns),
        "turn_to_fact_p95_s": timing.percentile(of_turns, 0.95),
        "after_cut_p50_s": median(after_cut),
        "after_cut_p95_s": timing.percentile(after_cut, 0.95),
        "share_cut_by_idle": sum(delay.cut_by == "idle" for delay in delays.values()) / len(delays),
        "share_cut_by_age": sum(delay.cut_by == "age" for delay in delays.values()) / len(delays),
    }


def _seconds_after(turn_ids: Sequence[str], delays: Mapping[str, FactDelay]) -> float:
    """Return the time from the last turn of a thought until the last fact of the thought is searchable."""
    searchable_at = max(delays[turn_id].searchable_at for turn_id in turn_ids)
    return (searchable_at - delays[turn_ids[-1]].written_at).total_seconds()


class SteadyWriter(threading.Thread):
    """Writes turns at their planned times. The time of a turn does not depend on the duration of the one before."""

    def __init__(self, said: Iterator[Message], settings: Settings, planned: Sequence[PlannedTurn]) -> None:
        super().__init__(name="steady", daemon=True)
        self._said = said
        self._settings = settings
        self._planned = planned
        self._is_stopped = threading.Event()
        self.problem: Exception | None = None
        #: The ids of the turns of each thought, in order.
        self.thoughts: defaultdict[int, list[str]] = defaultdict(list)

    def run(self) -> None:
        started = time.monotonic()
        try:
            for turn in self._planned:
                if self._is_stopped.wait(max(0.0, started + turn.seconds - time.monotonic())):
                    return
                message = next(self._said)
                memory = MemoryClient(turn.user_id, SESSION, settings=self._settings)
                self.thoughts[turn.thought].append(memory.write(message.role, message.content))
        except Exception as error:
            self.problem = error

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._is_stopped.set()
        self.join()


def measured(
    said: Iterator[Message], planned: Sequence[PlannedTurn], settings: Settings, book: Ledger, progress: Progress
) -> dict[str, Value]:
    """Write the planned turns without a flush, and measure how long after each thought its facts are searchable."""
    progress.begin("turns that became facts", len(planned))
    watcher = FactWatcher(book, max_age_seconds=settings.batch_max_age_seconds)
    deadline = time.monotonic() + planned[-1].seconds + settings.batch_max_age_seconds + PATIENCE_SECONDS
    batches = book.count("batches")
    with SteadyWriter(said, settings, planned) as writer:
        while watcher.read_new_facts() < len(planned) and time.monotonic() < deadline:
            if writer.problem is not None:
                raise writer.problem
            progress.reached(len(watcher.delays))
            time.sleep(LOOK_SECONDS)
    progress.reached(len(watcher.delays))
    made = book.count("batches") - batches
    figures = figures_of(writer.thoughts, watcher.delays)
    return figures | {"thoughts": len(writer.thoughts), "batches_per_100_steady_turns": 100 * made / len(planned)}
