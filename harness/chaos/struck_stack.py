"""All processes of afterturn; random ones are killed and restarted."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import psycopg
import redis
from redis.exceptions import RedisError

from afterturn.errors import LocalServerError, MemoryUnavailable
from afterturn.hot import keys
from afterturn.local import services
from afterturn.local.postgres_server import PostgresServer
from afterturn.local.redis_server import RedisServer
from afterturn.local.services import Service, ServiceName
from afterturn.pipeline import prepare
from afterturn.settings import Settings
from api_shim import MemoryClient
from api_shim.cli.processes import COMMANDS
from harness.chaos import conversation
from harness.chaos.lane import settings_with
from harness.llm_server import LLMServer
from harness.waiting import wait_until

NAMES: tuple[ServiceName, ...] = ("fast worker", "slow worker", "beat")
#: Workers are killed more often than servers, as in practice.
VICTIMS = ("fast worker", "fast worker", "slow worker", "slow worker", "beat", "redis", "postgres")
SECONDS_BETWEEN_STRIKES = (1.5, 4.5)
SETTINGS = {
    "lease_seconds": 5.0,
    "hint_seconds": 5.0,
    "retry_seconds": 0.5,
    "reconcile_seconds": 5.0,
    "batch_turns": 10,
    "batch_idle_seconds": 5.0,
    "batch_max_age_seconds": 15.0,
    "llm_timeout_seconds": 10.0,
    "llm_api_key": "test",
}
_OPEN = """
SELECT (SELECT count(*) FROM turns), (SELECT count(*) FROM sessions WHERE cut_through < next_position - 1),
       (SELECT count(*) FROM batches WHERE state IN ('pending', 'extracted')),
       (SELECT count(*) FROM sessions WHERE summarized_through < applied_through)
"""


class StruckStack:
    """Redis (fsync always), Postgres, the workers and beat as `afterturn up` starts them, and a model."""

    def __init__(self, directory: Path, chance: random.Random, **changed: object) -> None:
        """Set the directory of servers and logs, the source of the kills, and settings that differ, by name."""
        self._directory = directory
        self._chance = chance
        self._changed = changed
        self.redis = RedisServer(directory, appendfsync="always")
        self.postgres = PostgresServer(directory)
        self.llm = LLMServer(answer=conversation.answer, latency_seconds=0.05, keep=1)
        self.kills: Counter[str] = Counter()
        self.settings: Settings
        self._services: dict[str, Service] = {}

    def __enter__(self) -> Self:
        self.llm.start()
        self.redis.start()
        self.postgres.start()
        given = SETTINGS | self._changed | {"redis_url": self.redis.url, "postgres_url": self.postgres.url}
        self.settings = settings_with(llm_base_url=self.llm.base_url, **given)
        prepare.prepare_database(self.postgres.url, self.settings)
        for name in NAMES:
            self._start(name)
        for service in self._services.values():
            service.process.wait_until_ready(service.is_ready, deadline_seconds=services.START_SECONDS)
        return self

    def __exit__(self, *exception: object) -> None:
        for service in self._services.values():
            service.process.kill()
        self.postgres.stop()
        self.redis.stop()
        self.llm.stop()

    def _start(self, name: ServiceName) -> None:
        # With a new builder, each start has a different node name, as on another machine.
        self._services[name] = services.ServiceBuilder(self.settings, self._directory, COMMANDS).build(name)
        self._services[name].process.start()

    def strike(self) -> None:
        """Kill one process, start it again, and wait for a random time."""
        victim = self._chance.choice(VICTIMS)
        self.kills[victim] += 1
        if victim == "redis":
            self.redis.kill()
            self.redis.start()
        elif victim == "postgres":
            self.postgres.kill()
            self.postgres.start()
        else:
            self._kill_service(victim)
        time.sleep(self._chance.uniform(*SECONDS_BETWEEN_STRIKES))

    def _kill_service(self, victim: str) -> None:
        name = next(name for name in NAMES if name == victim)
        self._services[name].process.kill()
        self._start(name)

    def heal(self) -> None:
        """Start the processes again that have ended by themselves."""
        for name in NAMES:
            if not self._services[name].process.is_running:
                self._start(name)

    @contextmanager
    def llm_away(self) -> Iterator[None]:
        """Let the LLM accept calls and answer none of them."""
        self.llm.fail("hang")
        try:
            yield
        finally:
            self.llm.heal()

    @contextmanager
    def postgres_away(self) -> Iterator[None]:
        """Stop Postgres."""
        self.postgres.stop()
        try:
            yield
        finally:
            self.postgres.start()

    def drain(self, sessions: Sequence[tuple[str, str]], *, turns: int, seconds: float) -> float:
        """Flush every session, wait until there is no open work, and return the seconds."""
        started = time.monotonic()
        for user_id, session_id in sessions:
            MemoryClient(user_id, session_id, settings=self.settings).flush()
        wait_until(lambda: self._is_settled(turns), seconds=seconds, every=0.2)
        return time.monotonic() - started

    def _is_settled(self, turns: int) -> bool:
        try:
            with psycopg.connect(self.settings.postgres_url.get_secret_value(), autocommit=True) as connection:
                row = connection.execute(_OPEN).fetchone()
            with redis.Redis.from_url(self.settings.redis_url) as client:
                is_pending = any(client.zcard(keys.due(shard)) for shard in range(keys.SHARD_COUNT))
        except (psycopg.OperationalError, RedisError, MemoryUnavailable, LocalServerError):
            return False
        return row is not None and row[0] >= turns and not any(row[1:]) and not is_pending
