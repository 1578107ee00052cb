"""Beat's scheduler counts by a clock that never steps, and outlives every failure of the broker."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from celery import Celery
from celery.schedules import schedule

from afterturn.worker.schedule import RETRY_SECONDS, SHORTEST_SLEEP_SECONDS, MonotonicScheduler


class Steps:
    """A clock that is set by hand."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Steps:
    return Steps()


@pytest.fixture
def scheduler(clock: Steps, tmp_path: Path) -> MonotonicScheduler:
    app = Celery(broker="memory://", set_as_current=False)
    app.conf.beat_schedule = {
        "often": {"task": "often", "schedule": timedelta(seconds=1)},
        "rarely": {"task": "rarely", "schedule": schedule(timedelta(seconds=60))},
    }
    made = MonotonicScheduler(app, clock=clock, schedule_filename=str(tmp_path / "touched"))
    made.sent = []
    made.apply_async = lambda entry, **_: made.sent.append(entry.name)
    return made


def test_everything_is_sent_at_the_start_and_then_as_often_as_it_says(scheduler, clock, tmp_path):
    assert 0.9 < scheduler.tick() <= 1
    assert Counter(scheduler.sent) == {"often": 1, "rarely": 1}
    assert (tmp_path / "touched").exists()
    clock.now += 0.5
    assert 0.4 < scheduler.tick() <= 0.5
    clock.now += 0.5
    scheduler.tick()
    assert Counter(scheduler.sent) == {"often": 2, "rarely": 1}


def test_what_was_missed_while_it_stood_still_is_sent_once(scheduler, clock):
    scheduler.tick()
    clock.now += 3_600
    scheduler.tick()
    scheduler.tick()
    assert Counter(scheduler.sent) == {"often": 2, "rarely": 2}


def test_a_broker_that_fails_is_tried_again_soon_and_said_once(scheduler, clock, caplog):
    answers = [OSError("away"), ValueError("strange"), None]

    def fail(entry, **_):
        if (error := answers.pop(0)) is not None:
            raise error

    scheduler.schedule.pop("often")
    scheduler.apply_async = fail
    for _ in range(3):
        assert scheduler.tick() >= SHORTEST_SLEEP_SECONDS
        clock.now += RETRY_SECONDS
    assert answers == []
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_it_never_sleeps_for_nothing(scheduler, clock):
    scheduler.tick()
    clock.now += 0.999999
    assert scheduler.tick() == SHORTEST_SLEEP_SECONDS
