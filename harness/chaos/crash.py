"""The crash matrix: a worker is killed or paused at a fault point, and another worker takes over its work."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal

from afterturn import faults
from afterturn.database import counters
from harness.chaos import conversation, trial
from harness.chaos.image import Image
from harness.chaos.lane import Lane
from harness.chaos.trial import Outcome, Stopwatch
from harness.chaos.worker_process import WorkerProcess
from harness.waiting import wait_until

Action = Literal["kill", "stop"]

#: At these points a paused worker has unfinished work, which another worker finishes: its own write must be refused.
#: A worker that consolidates reads the memory after its claim, sees that all is done, and writes nothing.
REFUSED = tuple(
    f"{stage}.{point}"
    for stage, points in {
        "extract": ("after_claim", "call_reserved", "answer_received", "answer_stored"),
        "embed": ("after_claim", "vectors_received", "vectors_stored"),
        "judge": ("after_claim", "call_reserved", "answer_received", "answer_stored"),
        "summarize": ("answer_received", "answer_stored"),
    }.items()
    for point in points
)
#: Stages of every turn, and stages with their own trials or none.
PASSED = ("sweep", "archive", "extract", "embed", "judge", "consolidate", "summarize")
ELSEWHERE = ("erase", "sleep", "index", "vectors", "spaces", "cold", "restore", "merge")
#: What a worker logs if the database ended its session while it was paused in a transaction. Whether it did depends on
#: the time that the other worker takes to start.
_LOST_SESSION = ("waits: ", "waits for a server")
#: The longest time until the first worker reaches its point, including its start.
REACH_SECONDS = 30.0


def points() -> list[str]:
    """Return every fault point that the conversation's run passes, as `faults.point` names it."""
    return [f"{stage}.{point}" for stage, named in faults.POINTS.items() for point in named if stage in PASSED]


def crash(lane: Lane, expected: Image, point: str) -> Outcome:
    """Kill the only worker at this point, and let a worker with another name continue."""
    flag = _begin(lane)
    with (
        lane.clock(),
        WorkerProcess(lane.settings, lane.directory, "first", fault=f"{point} kill {flag}") as first,
    ):
        wait_until(
            lambda: flag.exists() and not first.is_running, seconds=REACH_SECONDS, what=lambda: f"{point} reached"
        )
        watch = Stopwatch()
        with WorkerProcess(lane.settings, lane.directory, "second") as second:
            watch.started(second)
            lane.wait_until_settled()
            watch.settled()
            return trial.concluded(lane, expected, f"kill at {point}", watch)


def child_crash(lane: Lane, expected: Image, point: str) -> Outcome:
    """Kill one process of a prefork pool at this point. The worker itself survives and starts another process."""
    flag = _begin(lane)
    fault = f"{point} kill {flag}"
    with (
        lane.clock(),
        WorkerProcess(lane.settings, lane.directory, "forking", fault=fault, pool="prefork", concurrency=2),
    ):
        wait_until(flag.exists, seconds=REACH_SECONDS, what=lambda: f"{point} reached")
        watch = Stopwatch()
        lane.wait_until_settled()
        watch.settled()
        return trial.concluded(lane, expected, f"kill child at {point}", watch)


def sleep(lane: Lane, expected: Image, point: str) -> Outcome:
    """Pause the worker at this point, let another one finish, and resume it: it must not change anything."""
    flag = _begin(lane)
    with (
        lane.clock(),
        WorkerProcess(lane.settings, lane.directory, "sleeper", fault=f"{point} stop {flag}") as sleeper,
    ):
        wait_until(flag.exists, seconds=REACH_SECONDS, what=lambda: f"{point} reached")
        watch = Stopwatch()
        with WorkerProcess(lane.settings, lane.directory, "second") as second:
            watch.started(second)
            lane.wait_until_settled()
            watch.settled()
            sleeper.resume()
            _wait_for_the_sleepers_attempt(lane, sleeper, point)
            lane.wait_until_settled()
        return trial.concluded(lane, expected, f"sleep at {point}", watch, may_sleep=True)


def _wait_for_the_sleepers_attempt(lane: Lane, sleeper: WorkerProcess, point: str) -> None:
    """Wait until its write was refused. If the database has ended its session meanwhile, it makes no attempt."""
    if point in REFUSED:
        wait_until(
            lambda: (
                lane.counter(counters.STALE_WRITES_REFUSED) > 0 or any(map(sleeper.process.log_contains, _LOST_SESSION))
            ),
            seconds=60,
            what=lambda: f"{point}: not refused",
        )
    time.sleep(0.3)


def _begin(lane: Lane) -> Path:
    lane.begin()
    flag = lane.directory / "fired"
    flag.unlink(missing_ok=True)
    conversation.write(lane.settings)
    return flag
