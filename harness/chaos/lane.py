"""A lane runs one trial after another, with its own Redis database, Postgres database, model and clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import psycopg
import redis
from psycopg.sql import SQL, Identifier

from afterturn import settings as settings_module
from afterturn.hot import keys
from afterturn.pipeline import prepare
from afterturn.pipeline.enqueue import MESSAGE_VERSION, Enqueue, task_name
from afterturn.settings import Settings
from harness import servers
from harness.chaos import conversation
from harness.llm_server import LLMServer
from harness.waiting import wait_until

#: These tests wait for recovery, so leases are short and sweeps are frequent.
QUICK = {
    "lease_seconds": 1.0,
    "hint_seconds": 1.0,
    "sweep_seconds": 0.2,
    "retry_seconds": 0.2,
    "reconcile_seconds": 1.0,
    "postgres_timeout_seconds": 2.0,
}
#: The settings of all trials: cuts do not depend on a clock, and a hanging model times out soon.
FIXED = {
    "batch_turns": conversation.BATCH_TURNS,
    "batch_idle_seconds": 3600.0,
    "batch_max_age_seconds": 3600.0,
    # Three episodes make a digest of two.
    "summary_run": 2,
    "llm_timeout_seconds": 5.0,
    "llm_api_key": "test",
}

_OPEN = """
SELECT (SELECT count(*) FROM turns) AS turns,
       (SELECT count(*) FROM sessions WHERE cut_through < next_position - 1) AS uncut,
       (SELECT count(*) FROM batches WHERE state IN ('pending', 'extracted')) AS open,
       (SELECT count(*) FROM sessions WHERE summarized_through < applied_through) AS owed,
       (SELECT count(*) FROM missing_vectors WHERE attempts = 0 AND retry_at IS NOT NULL) AS vectors
"""


class Lane:
    """Settings, databases, a model, and a thread that enqueues sweeps as often as beat does."""

    def __init__(
        self, redis_url: str, postgres_url: str, directory: Path, *, is_quick: bool = True, **overrides: Any
    ) -> None:
        """Open nothing yet. `overrides` are settings; without `is_quick`, the times are the defaults."""
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.llm = LLMServer(answer=conversation.answer)
        self._given = {
            "redis_url": redis_url,
            "postgres_url": postgres_url,
            **FIXED,
            **(QUICK if is_quick else {}),
            **overrides,
        }
        self.settings: Settings

    def __enter__(self) -> Self:
        self.llm.start()
        self.settings = settings_with(llm_base_url=self.llm.base_url, **self._given)
        prepare.prepare_database(self.settings.postgres_url.get_secret_value(), self.settings)
        return self

    def __exit__(self, *exception: object) -> None:
        self.llm.stop()

    @contextmanager
    def changed(self, **settings: Any) -> Iterator[None]:
        """Use changed settings inside the block."""
        before = self.settings
        self.settings = type(before)(**before.model_dump(exclude_unset=True) | settings)
        try:
            yield
        finally:
            self.settings = before

    def begin(self) -> None:
        """Empty the databases and the recording of the model, for a new trial."""
        self.llm.heal()
        self.llm.forget()
        servers.empty(self.settings)

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection[Any]]:
        """Yield a connection of the database's owner."""
        with psycopg.connect(self.settings.postgres_url.get_secret_value(), autocommit=True) as connection:
            yield connection

    @contextmanager
    def clock(self, *, reconcile: bool = False) -> Iterator[None]:
        """Enqueue a sweep (and with `reconcile` a search of Redis) as often as beat does, inside the block."""
        ended = threading.Event()
        thread = threading.Thread(target=self._tick, args=(ended, reconcile), name="clock", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _tick(self, ended: threading.Event, reconcile: bool) -> None:
        enqueue = Enqueue(self.settings.celery_broker_url)
        while not ended.wait(self.settings.sweep_seconds):
            enqueue.send("sweep")
            if reconcile:
                # Beat also sends it to the queue of the sweep.
                name, queue = task_name("reconcile"), "sweep"
                enqueue._celery.send_task(name, args=(MESSAGE_VERSION,), queue=queue, ignore_result=True, retry=False)
        enqueue.close()

    def is_settled(self, connection: psycopg.Connection[Any], turns: int = conversation.TURNS) -> bool:
        """Whether all turns have passed all stages, and Redis has no pending turns."""
        row = connection.execute(_OPEN).fetchone()
        if row is None or row[0] < turns or any(row[1:]):
            return False
        with redis.Redis.from_url(self.settings.redis_url) as client:
            return not any(client.zcard(keys.due(shard)) for shard in range(keys.SHARD_COUNT))

    def wait_until_settled(self, *, seconds: float = 60.0, turns: int = conversation.TURNS) -> float:
        """Wait until it is settled, and return the seconds. Raises AssertionError."""
        started = time.monotonic()
        with self.database() as connection:
            wait_until(lambda: self.is_settled(connection, turns), seconds=seconds, what=self._where_it_stands)
        return time.monotonic() - started

    def counter(self, name: str) -> int:
        """Return one of the pipeline's own counters."""
        with self.database() as connection:
            row = connection.execute("SELECT count FROM counters WHERE name = %s", (name,)).fetchone()
        return 0 if row is None else int(row[0])

    def _where_it_stands(self) -> str:
        with self.database() as connection:
            open_batches = connection.execute(
                "SELECT user_id, user_seq, state, attempts, embedded_at IS NOT NULL, paused_until - now(), reason "
                "FROM batches WHERE state <> 'applied'"
            ).fetchall()
            leases = connection.execute("SELECT user_id, kind, owner, until - now() FROM leases").fetchall()
            return f"{connection.execute(_OPEN).fetchone()} {open_batches} {leases}; see {self.directory}"


def database(server_url: str, name: str) -> str:
    """Create an empty database on a server, and return its URL."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    return f"{server_url.rpartition('/')[0]}/{name}"


def settings_with(**given: Any) -> Settings:
    """Return settings with these values, without the environment."""
    prefix = settings_module.PREFIX
    return settings_module.load({f"{prefix}{name.upper()}": str(value) for name, value in given.items()})
