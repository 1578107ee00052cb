"""Hosts' clocks differ and step: the sweep goes on within seconds, and turns become facts as ever."""

from __future__ import annotations

import time
from pathlib import Path

import psycopg
import pytest

from afterturn.database import pool, steps
from afterturn.settings import Settings
from afterturn.watching import backlog
from api_shim import MemoryClient
from harness.chaos import clock_trials, clocks
from harness.chaos.clocks import ClockedWorkers
from harness.chaos.image import Image
from harness.chaos.lane import Lane
from harness.waiting import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(clocks.find_compiler() is None, reason="there is no C compiler, which makes the clocks"),
]
HOUR = 3_600
#: From a write to its row: a sweep is due every 0.2 s, and a wrong clock delays it by minutes.
ARCHIVED_SECONDS = 30.0


def write_and_wait(settings: Settings, database: psycopg.Connection, user_id: str) -> float:
    """Write a turn, and return how long it took until it was archived."""
    started = time.monotonic()
    turn_id = MemoryClient(user_id, settings=settings).write("user", "I live in Porto.", name="Ana")
    wait_until(
        lambda: database.execute("SELECT 1 FROM turns WHERE turn_id = %s", [turn_id]).fetchone() is not None,
        seconds=60,
        what=lambda: "the turn was not archived",
    )
    return time.monotonic() - started


@pytest.mark.parametrize(
    "seconds",
    [-2, pytest.param(-HOUR, marks=pytest.mark.chaos), pytest.param(HOUR, marks=pytest.mark.chaos)],
)
def test_beat_s_clock_differs(settings, database, tmp_path: Path, seconds: int) -> None:
    with ClockedWorkers(settings, tmp_path, {"beat": seconds}):
        assert write_and_wait(settings, database, "ana") < ARCHIVED_SECONDS


def test_beat_s_clock_steps(settings, database, tmp_path: Path) -> None:
    with ClockedWorkers(settings, tmp_path) as workers:
        for number, seconds in enumerate((-120, -HOUR, HOUR, 0)):
            workers.clocks["beat"].step(seconds)
            time.sleep(1)
            assert write_and_wait(settings, database, f"user-{number}") < ARCHIVED_SECONDS, seconds


@pytest.mark.parametrize("seconds", [10, pytest.param(60, marks=pytest.mark.chaos)])
def test_beat_stands_still_for_a_while(settings, database, tmp_path: Path, seconds: int) -> None:
    with ClockedWorkers(settings, tmp_path) as workers:
        workers.stand_still("beat", seconds)
        assert write_and_wait(settings, database, "ana") < ARCHIVED_SECONDS


@pytest.mark.parametrize(("fast", "slow"), [(-HOUR, HOUR), pytest.param(2 * HOUR, -2 * HOUR, marks=pytest.mark.chaos)])
def test_workers_clocks_differ_by_hours_and_step(settings, database, tmp_path: Path, fast: int, slow: int) -> None:
    """From the turn to its fact: leases, retries, the user lock, hints and batches are timed by the servers' clocks."""
    with ClockedWorkers(settings, tmp_path, {"fast worker": fast, "slow worker": slow}) as workers:
        for user_id in ("ana", "ben"):
            memory = MemoryClient(user_id, settings=settings)
            memory.write("user", "I live in Porto.", name=user_id.title())
            memory.flush(wait_seconds=60)
            assert memory.facts(), user_id
            workers.clocks["fast worker"].step(slow)
            workers.clocks["slow worker"].step(fast)
        ages = database.execute("SELECT max(abs(extract(epoch FROM now() - written_at))) FROM turns").fetchone()
        assert ages[0] < 60, "written_at is Redis's time"


def test_a_message_is_returned_by_redis_s_clock(settings, hot_store, database, tmp_path: Path) -> None:
    """A host two hours ahead must not return what others work on."""
    with ClockedWorkers(settings, tmp_path, {"fast worker": 2 * HOUR}):
        now, _ = hot_store.time()
        hot_store.zadd("unacked_index", {"taken-by-another": now - 60})
        hot_store.hset("unacked", "taken-by-another", '[{"headers": {}, "properties": {}}, "", "sweep"]')
        time.sleep(12)  # a worker looks every 10 s
        assert hot_store.zscore("unacked_index", "taken-by-another") is not None


def test_the_age_of_a_turn_is_by_redis_s_clock_alone(settings, database) -> None:
    """Where Redis's clock is a day behind the database's, nothing seems to have waited for a day."""
    database.execute("INSERT INTO users (tenant_id, user_id) VALUES ('default', 'ana')")
    database.execute(
        "INSERT INTO sessions (tenant_id, user_id, session_id, next_position, cut_through, uncut_since, cut_due_at)"
        " VALUES ('default', 'ana', 's', 2, 0, now(), now())"
    )
    database.execute(
        "INSERT INTO turns (tenant_id, user_id, session_id, position, turn_id, role, content, tokens, occurred_at,"
        " written_at) VALUES ('default', 'ana', 's', 1, 't', 'user', 'x', 1, now(), now() - interval '1 day')"
    )
    redis_now = time.time() - 24 * HOUR + 5
    with pool.worker_connection(settings) as connection:
        found = steps.run(connection, backlog.read_backlog(None, redis_now=redis_now))
    assert found.oldest_seconds is not None
    assert abs(found.oldest_seconds - 5) < 5


@pytest.mark.chaos
@pytest.mark.parametrize("run", clock_trials.TRIALS, ids=lambda run: run.__name__)
def test_the_same_is_remembered_whatever_the_clocks_say(lane: Lane, expected: Image, run) -> None:
    outcome = run(lane, expected)
    assert outcome.is_clean, outcome
