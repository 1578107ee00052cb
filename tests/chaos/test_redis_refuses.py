"""Redis refuses for some seconds, in each of its ways: nobody ends, the client is told, and everything goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from afterturn import settings as settings_module
from afterturn.errors import MemoryUnavailable
from afterturn.local import services
from afterturn.local.postgres_server import PostgresServer
from afterturn.local.redis_server import RedisServer
from afterturn.local.stack import Stack
from afterturn.settings import Settings
from api_shim import MemoryClient, close_connections
from api_shim.cli.processes import COMMANDS
from harness.chaos import redis_faults
from harness.waiting import wait_until
from tests.conftest import QUICK
from tests.integration.conftest import WORKERS

REFUSES_SECONDS = 3.0
#: How soon everything goes on afterwards. It takes seconds; a message that was lost is found again within a minute.
RECOVERY_SECONDS = 60.0


@pytest.fixture(scope="module")
def redis_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module")
def running(
    redis_of_its_own: RedisServer, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Everything that `afterturn up` starts, on a Redis of its own."""
    urls = {"AFTERTURN_REDIS_URL": redis_of_its_own.url, "AFTERTURN_POSTGRES_URL": postgres_server.url}
    settings = settings_module.load(QUICK | urls | {"AFTERTURN_API_PORT": "0", "AFTERTURN_FLOWER_PORT": "0"})
    with Stack(
        settings, data_dir=tmp_path_factory.mktemp("stack"), commands=COMMANDS, names=services.SERVICE_NAMES
    ) as stack:
        yield stack
        close_connections()


@contextmanager
def stopped(stack: Stack) -> Iterator[None]:
    """Stop the parts of a stack, and start them again at the end."""
    for service in stack.services:
        service.process.stop(grace_seconds=30)
    try:
        yield
    finally:
        for service in stack.services:
            service.process.start()
        for service in stack.services:
            service.process.wait_until_ready(service.is_ready, deadline_seconds=60)


def is_searchable(memory: MemoryClient, text: str) -> bool:
    return text in {found.text for found in memory.recall("Where does Ana live?", kinds=["fact"])}


def write_when_it_answers(memory: MemoryClient, settings: Settings, text: str) -> str:
    deadline = time.monotonic() + RECOVERY_SECONDS
    while True:
        try:
            return memory.write("user", text, name="Ana")
        except MemoryUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=[] if kind in ("READONLY", "OOM", "MISCONF") else pytest.mark.chaos)
        for kind in redis_faults.REFUSALS
    ],
)
def test_nobody_ends_and_everything_goes_on(running: Stack, redis_of_its_own: RedisServer, kind: str) -> None:
    settings, user = running.settings, f"ana-{kind.replace(' ', '-')}"
    memory = MemoryClient(user, settings=settings)
    memory.write("user", "I live in Porto.", name="Ana")
    memory.flush(wait_seconds=RECOVERY_SECONDS)
    with redis_faults.REFUSALS[kind](redis_of_its_own):
        with pytest.raises(MemoryUnavailable) as refused:
            memory.write("user", "I live in Oslo.", name="Ana")
        assert refused.value.code == "memory_unavailable"
        assert "AFTERTURN_REDIS_URL" in str(refused.value)
        time.sleep(REFUSES_SECONDS)
    write_when_it_answers(memory, settings, "I live in Rome.")
    memory.flush(wait_seconds=RECOVERY_SECONDS)
    assert is_searchable(memory, "Ana lives in Rome.")
    said = [turn.content for turn in memory.history()]
    if kind == "hangs":
        # What it had received it does when it goes on: that a write was not answered does not say that it was not done.
        said = [text for text in said if text != "I live in Oslo."]
    assert said == ["I live in Porto.", "I live in Rome."]
    assert [service.title for service in running.services if not service.process.is_running] == []
    assert httpx.get(f"{running.address('api')}/healthz").status_code == 200
    assert httpx.get(f"{running.address('flower')}/healthcheck").text == "OK"


@pytest.mark.slow
def test_a_full_redis_is_emptied_by_workers_that_start_while_it_is_full(
    redis_of_its_own: RedisServer, running: Stack, database: psycopg.Connection, tmp_path: Path
) -> None:
    """Its memory stays full all the time: even then what was acknowledged is archived, and comes to be facts."""
    with stopped(running):
        memory = MemoryClient("ben", settings=running.settings)
        memory.write_many({"role": "user", "content": f"I own {number} cats.", "name": "Ben"} for number in range(100))
        memory.write("user", "I live in Porto.", name="Ben")
        with (
            redis_faults.full_memory(redis_of_its_own),
            Stack(running.settings, data_dir=tmp_path, commands=COMMANDS, names=WORKERS) as again,
        ):
            wait_until(lambda: is_searchable(memory, "Ben lives in Porto."), seconds=60)
            assert again.ended() is None
            assert len(memory.history(200)) == 101
        assert database.execute("SELECT count(*) FROM turns WHERE user_id = 'ben'").fetchone() == (101,)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=[] if kind == "READONLY" else pytest.mark.chaos) for kind in redis_faults.REFUSALS],
)
def test_what_starts_while_redis_refuses_waits_for_it(
    redis_of_its_own: RedisServer, postgres_server: PostgresServer, tmp_path: Path, kind: str
) -> None:
    urls = {"AFTERTURN_REDIS_URL": redis_of_its_own.url, "AFTERTURN_POSTGRES_URL": postgres_server.url}
    settings = settings_module.load(QUICK | urls | {"AFTERTURN_API_PORT": "0", "AFTERTURN_FLOWER_PORT": "0"})
    parts = services.ServiceBuilder(settings, tmp_path, COMMANDS).build_all(services.SERVICE_NAMES)
    try:
        with redis_faults.REFUSALS[kind](redis_of_its_own):
            for part in parts:
                part.process.start()
            # Longer than their imports take: then all of them have met the refusal.
            wait_until(lambda: all(part.process.log_tail() for part in parts), seconds=60)
            time.sleep(2 * REFUSES_SECONDS)
            assert [part.title for part in parts if not part.process.is_running] == []
        for part in parts:
            part.process.wait_until_ready(part.is_ready, deadline_seconds=30)
        memory = MemoryClient(f"start-{kind}".replace(" ", "-"), settings=settings)
        memory.write("user", "I live in Porto.", name="Ana")
        memory.flush(wait_seconds=60)
    finally:
        for part in parts:
            part.process.kill()
        close_connections()
