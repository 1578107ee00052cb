"""Our own servers are killed, hang, and come back, once even empty."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator

import pytest

from afterturn.database import pool
from afterturn.errors import MemoryUnavailable
from afterturn.scopes import UserScope
from api_shim import AsyncMemoryClient, MemoryClient, close_async_connections
from harness.chaos import redis_refusals, servers_down, trial
from harness.chaos.image import Image
from harness.chaos.servers_down import OwnServers

REDIS_SECONDS = 2.0
POSTGRES_SECONDS = 2.5
#: A machine that others use too. Whoever waits twice takes longer.
SLACK_SECONDS = 1.8


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnServers]:
    with OwnServers(tmp_path_factory.mktemp("own")) as servers:
        yield servers


@pytest.fixture(scope="module")
def image_of_own(own: OwnServers) -> Image:
    return trial.uninterrupted(own.lane)


@pytest.mark.chaos
@pytest.mark.parametrize("run", (*servers_down.TRIALS, *redis_refusals.TRIALS), ids=lambda run: run.__name__)
def test_servers_down(own: OwnServers, image_of_own: Image, run) -> None:
    outcome = run(own, image_of_own)
    assert outcome.is_clean, outcome


@pytest.fixture
def memory(own: OwnServers) -> MemoryClient:
    own.lane.begin()
    given = own.lane.settings.model_dump(exclude_unset=True)
    given |= {"redis_timeout_seconds": REDIS_SECONDS, "postgres_timeout_seconds": POSTGRES_SECONDS}
    return MemoryClient("ana", settings=type(own.lane.settings)(**given))


def _seconds(call) -> float:
    started = time.monotonic()
    call()
    return time.monotonic() - started


def _refused(memory: MemoryClient) -> None:
    with pytest.raises(MemoryUnavailable):
        memory.write("user", "Is anybody there?")


def test_a_redis_that_hangs_is_given_up_within_the_timeout(own: OwnServers, memory: MemoryClient) -> None:
    memory.write("user", "I live in Porto.")
    os.kill(own.redis.process.pid, signal.SIGSTOP)
    try:
        for _ in range(2):  # on the connection that was open, and on a new one
            assert _seconds(lambda: _refused(memory)) < REDIS_SECONDS + SLACK_SECONDS
    finally:
        os.kill(own.redis.process.pid, signal.SIGCONT)
    memory.write("user", "I live in Rome.")


def test_a_redis_that_is_away_is_given_up_within_the_timeout(own: OwnServers, memory: MemoryClient) -> None:
    memory.write("user", "I live in Porto.")
    own.redis.kill()
    try:
        for _ in range(2):
            assert _seconds(lambda: _refused(memory)) < REDIS_SECONDS + SLACK_SECONDS
    finally:
        own.redis.start()
    assert [turn.content for turn in memory.history()] == ["I live in Porto."]
    memory.write("user", "I live in Rome.")


def test_a_postgres_that_hangs_leaves_recall_of_recent_turns(own: OwnServers, memory: MemoryClient) -> None:
    memory.write("user", "I live in Porto.")
    assert memory.recall("Porto")
    own.signal_postgres(signal.SIGSTOP)
    try:
        for _ in range(2):
            started = time.monotonic()
            assert [found.text for found in memory.recall("Porto")] == ["I live in Porto."]
            assert time.monotonic() - started < POSTGRES_SECONDS + SLACK_SECONDS
        assert _seconds(lambda: memory.write("user", "I live in Rome.")) < REDIS_SECONDS
    finally:
        own.signal_postgres(signal.SIGCONT)
    assert len(memory.recall("live")) == 2


async def _recalled(settings) -> list[float]:
    memory = AsyncMemoryClient("ana", settings=settings)
    seconds = []
    for _ in range(2):
        started = time.monotonic()
        assert [found.text for found in await memory.recall("Porto")] == ["I live in Porto."]
        seconds.append(time.monotonic() - started)
    await close_async_connections()
    return seconds


def test_with_asyncio_it_is_the_same(own: OwnServers, memory: MemoryClient) -> None:
    memory.write("user", "I live in Porto.")
    own.signal_postgres(signal.SIGSTOP)
    try:
        seconds = asyncio.run(_recalled(memory._session.settings))
    finally:
        own.signal_postgres(signal.SIGCONT)
    assert max(seconds) < POSTGRES_SECONDS + SLACK_SECONDS


def test_a_statement_that_is_too_slow_is_given_up_too(own: OwnServers, memory: MemoryClient) -> None:
    def run() -> None:
        with (
            pool.open_app_pool(memory._session.settings) as opened,
            pytest.raises(MemoryUnavailable),
            pool.user_transaction(opened, UserScope("default", "ana")) as connection,
        ):
            connection.execute("SELECT pg_sleep(30)")

    assert _seconds(run) < POSTGRES_SECONDS + SLACK_SECONDS + 0.5
