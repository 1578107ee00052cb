"""A worker is killed at each step of the archive: no version of a document is lost, and none is doubled."""

from __future__ import annotations

import pytest
import redis

from afterturn import MemoryClient, faults
from harness.chaos import crash
from harness.chaos.lane import Lane
from harness.chaos.worker_process import WorkerProcess
from harness.waiting import wait_until

POINTS = tuple(f"archive.{point}" for point in faults.POINTS["archive"])
#: What `make test` strikes at; `pytest -m chaos` strikes everywhere.
FEW = ("archive.before_commit", "archive.after_commit", "archive.entries_removed")
KEYS = ("plan", "notes", "short")


@pytest.fixture
def writer(lane: Lane) -> MemoryClient:
    """A client that finds no Postgres: the pipeline alone brings its versions there."""
    lane.begin()
    with_postgres = MemoryClient("ana", settings=lane.settings)
    for key in KEYS:
        assert with_postgres.state.put(key, 1) == 1
    given = lane.settings.model_dump(exclude_unset=True) | {"postgres_timeout_seconds": 2.0}
    return MemoryClient("ana", settings=type(lane.settings)(**given | {"postgres_url": "postgresql://127.0.0.1:1/no"}))


@pytest.mark.parametrize("point", [pytest.param(p, marks=[] if p in FEW else pytest.mark.chaos) for p in POINTS])
def test_killed_at(lane: Lane, writer: MemoryClient, point: str) -> None:
    flag = lane.directory / "fired"
    versions = dict.fromkeys(KEYS, 1)

    def write() -> None:
        for key in KEYS:
            versions[key] = writer.state.put(key, versions[key] + 1, expected=versions[key])

    write()
    with (
        lane.clock(),
        redis.Redis.from_url(lane.settings.redis_url) as client,
        WorkerProcess(lane.settings, lane.directory, "first", fault=f"{point} kill {flag}") as first,
    ):

        def is_killed() -> bool:
            write()
            return flag.exists() and not first.is_running

        wait_until(is_killed, seconds=crash.REACH_SECONDS, what=lambda: f"{point} reached")
        with WorkerProcess(lane.settings, lane.directory, "second") as second:
            second.wait_until_ready()
            for _ in range(20):
                write()
            assert writer.state.delete("short") is True
            wait_until(
                lambda: not client.keys("at:*:pending:*"), seconds=60, what=lambda: f"{client.keys('at:*:pending:*')}"
            )
        client.flushdb()
    memory = MemoryClient("ana", settings=lane.settings)
    for key in ("plan", "notes"):
        assert memory.state.get(key) == (versions[key], versions[key])
    assert memory.state.get("short") == (None, 0)
    assert memory.state.put("short", "again", expected=0) == versions["short"] + 2
    with lane.database() as database:
        rows = database.execute("SELECT key, version FROM agent_states ORDER BY key").fetchall()
    assert dict(rows) == versions | {"short": versions["short"] + 2}
