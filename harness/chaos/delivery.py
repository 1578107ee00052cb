"""Trials of the broker: messages are lost, doubled, reordered, and read by two workers at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

import redis

from afterturn.hot import keys
from harness.chaos import conversation, meddler, trial
from harness.chaos.image import Image
from harness.chaos.lane import Lane
from harness.chaos.meddler import Meddler, Policy
from harness.chaos.trial import Outcome, Stopwatch
from harness.chaos.worker_process import WorkerProcess

FLUSHES = 8


def dropped(lane: Lane, expected: Image) -> Outcome:
    """Lose every message the first time it is sent."""
    return _meddled(lane, expected, "each message dropped", meddler.dropping_each_once())


def five_times(lane: Lane, expected: Image) -> Outcome:
    """Deliver every message five times."""
    return _meddled(lane, expected, "each message delivered 5 times", meddler.multiplied(5))


def reversed_order(lane: Lane, expected: Image) -> Outcome:
    """Delay messages and deliver them in reverse order."""
    return _meddled(lane, expected, "messages in reverse order", meddler.reversed_order, hold_seconds=0.4)


def two_workers_at_once(lane: Lane, expected: Image) -> Outcome:
    """Deliver every message to two workers at the same instant."""
    return _meddled(
        lane, expected, "each message to two workers at once", meddler.multiplied(2), names=("left", "right")
    )


def _meddled(
    lane: Lane,
    expected: Image,
    fault: str,
    policy: Policy,
    *,
    names: tuple[str, ...] = ("only",),
    hold_seconds: float = meddler.LOOK_SECONDS,
) -> Outcome:
    lane.begin()
    conversation.write(lane.settings)
    with (
        lane.clock(),
        Meddler(lane.settings.celery_broker_url, policy, hold_seconds=hold_seconds) as between,
        ExitStack() as running,
    ):
        watch = Stopwatch()
        for worker in [running.enter_context(_behind(between, lane, name)) for name in names]:
            watch.started(worker)
        lane.wait_until_settled()
        watch.settled()
        time.sleep(0.3)  # The remaining messages find no open work.
        assert between.taken > 0, "no message was read"
        return trial.concluded(lane, expected, fault, watch, injected=between.taken, may_reorder=True)


def _behind(between: Meddler, lane: Lane, name: str) -> WorkerProcess:
    app = "harness.chaos.meddled_app"
    return WorkerProcess(lane.settings, lane.directory, name, app=app, variables=between.variables)


def broker_flushed(lane: Lane, expected: Image) -> Outcome:
    """Flush the whole broker repeatedly while it works: messages, bindings and unacknowledged messages."""
    lane.begin()
    url = meddler.next_database(lane.settings.redis_url)
    with (
        lane.changed(broker_url=url),
        lane.clock(),
        redis.Redis.from_url(url) as broker,
        WorkerProcess(lane.settings, lane.directory, "only") as worker,
    ):
        worker.wait_until_ready()
        # If it sees all turns at once, it cuts the same batches as an uninterrupted run.
        with worker.paused():
            conversation.write(lane.settings)
        for _ in range(FLUSHES):
            broker.flushdb()
            time.sleep(0.1)
        watch = Stopwatch()
        lane.wait_until_settled()
        watch.settled()
        return trial.concluded(lane, expected, "broker flushed", watch, injected=FLUSHES, may_reorder=True)


def due_entry_lost(lane: Lane, expected: Image) -> Outcome:
    """Delete the due indexes. Until `reconcile` searches Redis, no index contains the sessions."""
    lane.begin()
    conversation.write(lane.settings)
    with redis.Redis.from_url(lane.settings.redis_url) as client:
        lost = sum(int(client.delete(keys.due(shard))) for shard in range(keys.SHARD_COUNT))
    watch = Stopwatch()
    with lane.clock(reconcile=True), WorkerProcess(lane.settings, lane.directory, "only") as worker:
        watch.started(worker)
        lane.wait_until_settled()
        watch.settled()
        return trial.concluded(lane, expected, "due entries lost", watch, injected=lost, may_reorder=True)


TRIALS: tuple[Callable[[Lane, Image], Outcome], ...] = (
    dropped,
    five_times,
    reversed_order,
    two_workers_at_once,
    broker_flushed,
    due_entry_lost,
)
