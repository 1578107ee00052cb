"""Trials of hosts' clocks: the clocks of workers and beat differ by hours, and step while turns are processed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from afterturn.local.services import ServiceName
from harness.chaos import conversation, trial
from harness.chaos.clocks import ClockedWorkers
from harness.chaos.image import Image
from harness.chaos.lane import Lane
from harness.chaos.trial import Outcome, Stopwatch

HOUR = 3_600
#: Name of a trial -> how far each clock is ahead at the start, and then beat's again and again.
DIFFERENCES: Mapping[str, tuple[Mapping[ServiceName, float], tuple[float, ...]]] = {
    "beat 2 s behind": ({"beat": -2}, ()),
    "workers hours apart": ({"fast worker": -2 * HOUR, "slow worker": 2 * HOUR}, ()),
    "beat steps back by an hour": ({}, (-120, -HOUR)),
    "beat steps forward by an hour": ({}, (HOUR, 2 * HOUR)),
}


def clocks_differ(lane: Lane, expected: Image, kind: str) -> Outcome:
    """Process turns with wrong clocks, and compare the results. Only beat runs sweeps."""
    ahead, steps = DIFFERENCES[kind]
    lane.begin()
    conversation.write(lane.settings)
    with ClockedWorkers(lane.settings, lane.directory, ahead) as workers:
        watch = Stopwatch()
        for seconds in steps:
            workers.clocks["beat"].step(seconds)
            time.sleep(0.5)
        lane.wait_until_settled()
        watch.settled()
    return trial.concluded(lane, expected, f"clocks: {kind}", watch, injected=max(1, len(steps)), may_reorder=True)


def _named(kind: str) -> Callable[[Lane, Image], Outcome]:
    def run(lane: Lane, expected: Image) -> Outcome:
        return clocks_differ(lane, expected, kind)

    run.__name__ = f"clocks_{kind.replace(' ', '_')}"
    return run


TRIALS = tuple(_named(kind) for kind in DIFFERENCES)
