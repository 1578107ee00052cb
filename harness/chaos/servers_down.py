"""Trials of Redis and Postgres: they are killed, restarted, paused, and restarted without data."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import redis

from afterturn.hot import keys
from afterturn.local import postgres_server
from afterturn.local.postgres_server import PostgresServer
from afterturn.local.redis_server import RedisServer
from afterturn.scopes import SessionScope
from api_shim import MemoryClient, close_connections
from harness.chaos import conversation, image, outages, trial
from harness.chaos.image import Image
from harness.chaos.lane import Lane
from harness.chaos.trial import Outcome, Stopwatch
from harness.chaos.worker_process import WorkerProcess

AWAY_SECONDS = 2.0
KILLS = 3
#: Stream ids of a Redis whose clock is ahead: the year 2100.
AHEAD = 4_102_444_800_000


class OwnServers:
    """A Redis that acknowledges only what is on disk, a Postgres that survives a kill, and a lane that uses them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.redis = RedisServer(directory, appendfsync="always")
        self.postgres = PostgresServer(directory, durable=False)
        self.lane: Lane

    def __enter__(self) -> Self:
        self.redis.start()
        self.postgres.start()
        self.lane = Lane(self.redis.url, self.postgres.url, self._directory / "lane")
        self.lane.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self.lane.__exit__()
        close_connections()
        self.postgres.stop()
        self.redis.stop()

    def signal_postgres(self, number: int) -> None:
        """Send a signal to the server and to all of its sessions."""
        assert self.postgres.process is not None
        parent = self.postgres.process.pid
        for process_id in [parent, *postgres_server._child_process_ids(parent)]:
            # A session may end by itself between the listing and the signal.
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, number)

    def restart_redis_empty(self) -> None:
        """Kill Redis and start it without its data."""
        self.redis.kill()
        for path in (self._directory / "redis").iterdir():
            if path.name != "redis.conf":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.redis.start()


def redis_killed(servers: OwnServers, expected: Image) -> Outcome:
    """Kill Redis repeatedly while turns are written and processed; restart it with its append-only file."""

    def strike() -> int:
        for _ in range(KILLS):
            servers.redis.kill()
            servers.redis.start()
            time.sleep(0.4)
        return KILLS

    return struck(servers, expected, "Redis killed, AOF fsync always", strike)


def postgres_killed(servers: OwnServers, expected: Image) -> Outcome:
    """Kill Postgres and restart it later; meanwhile agents write, and read recent turns."""

    def strike() -> int:
        servers.postgres.kill()
        _go_on(servers.lane)
        servers.postgres.start()
        return 1

    return struck(servers, expected, "Postgres killed, away for 2 s", strike)


def postgres_hangs(servers: OwnServers, expected: Image) -> Outcome:
    """Let Postgres hang: connections are accepted and never answered."""

    def strike() -> int:
        servers.signal_postgres(signal.SIGSTOP)
        try:
            _go_on(servers.lane)
        finally:
            servers.signal_postgres(signal.SIGCONT)
        return 1

    return struck(servers, expected, "Postgres hangs for 2 s", strike)


def _go_on(lane: Lane) -> None:
    lasts_until = time.monotonic() + AWAY_SECONDS
    while time.monotonic() < lasts_until:
        outages.go_on_meanwhile(lane)


def struck(servers: OwnServers, expected: Image, fault: str, strike: Callable[[], int]) -> Outcome:
    """Let the servers be struck while a worker has all turns to work on, and compare what comes of it."""
    lane = servers.lane
    lane.begin()
    lane.llm.set_latency(0.3)  # The fault must interrupt running work.
    try:
        with lane.clock(), WorkerProcess(lane.settings, lane.directory, "only") as worker:
            worker.wait_until_ready()
            # If it sees all turns at once, it cuts the same batches as an uninterrupted run.
            with worker.paused():
                conversation.write(lane.settings)
            time.sleep(0.3)
            injected = strike()
            watch = Stopwatch()
            lane.wait_until_settled()
            watch.settled()
            assert worker.is_running, "the worker did not survive"
            return trial.concluded(lane, expected, fault, watch, injected=injected, may_reorder=True)
    finally:
        lane.llm.set_latency(0.0)


def redis_empty(servers: OwnServers, _: Image) -> Outcome:
    """Restart Redis without data, with its clock behind the ids that it issued before; then continue the sessions."""
    _talk_twice(servers, between=lambda: None)
    with servers.lane.database() as connection:
        expected = image.read_image(connection)
    watch = _talk_twice(servers, between=servers.restart_redis_empty)
    return trial.concluded(servers.lane, expected, "Redis restarted empty, ids behind", watch, may_reorder=True)


def _talk_twice(servers: OwnServers, *, between: Callable[[], None]) -> Stopwatch:
    lane = servers.lane
    lane.begin()
    with redis.Redis.from_url(lane.settings.redis_url) as client:
        for user_id, session_id in conversation.SAID:
            _set_ahead(client, keys.pending(SessionScope("default", user_id, session_id)))
    conversation.write(lane.settings)
    with lane.clock(), WorkerProcess(lane.settings, lane.directory, "only"):
        lane.wait_until_settled()
        between()
        watch = Stopwatch()
        for user_id, session_id in conversation.SAID:
            memory = MemoryClient(user_id, session_id, settings=lane.settings)
            memory.write("user", "I own a violin.", turn_id="later", name=user_id.title(), occurred_at=_LATER)
            memory.flush()
        lane.wait_until_settled(turns=conversation.TURNS + len(conversation.SAID))
        watch.settled()
    return watch


_LATER = conversation.STARTED.replace(month=5)


def _set_ahead(client: redis.Redis, key: str) -> None:
    """Let the stream's next ids be those of a clock that is ahead."""
    client.xadd(key, {"i": "first", "d": "{}"}, id=f"{AHEAD}-1")
    client.xdel(key, f"{AHEAD}-1")


TRIALS = (redis_killed, postgres_killed, postgres_hangs, redis_empty)
