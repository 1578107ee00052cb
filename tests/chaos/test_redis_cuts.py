"""The connection to Redis is cut, or an error is the answer, at one kind of command: nobody ends, nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from afterturn import settings as settings_module
from afterturn.errors import MemoryUnavailable
from afterturn.local.postgres_server import PostgresServer
from afterturn.local.redis_server import RedisServer
from afterturn.local.stack import Stack
from api_shim import MemoryClient, close_connections
from api_shim.cli.processes import COMMANDS
from harness.chaos.redis_proxy import RedisProxy
from tests.conftest import QUICK
from tests.integration.conftest import WORKERS

FAILS_SECONDS = 2.0
#: What workers, beat and clients send.
COMMANDS_SENT = ("PING", "BRPOP", "EVALSHA", "LLEN", "HDEL", "PUBLISH", "PSUBSCRIBE", "SMEMBERS", "XRANGE", "SET")
#: What a server or what stands before it may answer with to any command.
ERRORS = (
    "CLUSTERDOWN The cluster is down",
    "LOADING Redis is loading the dataset in memory",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "NOREPLICAS Not enough good replicas to write.",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "NOAUTH Authentication required.",
    "ERR unknown proxy failure",
)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProxy]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server, RedisProxy(server.url) as opened:
        yield opened


@pytest.fixture(scope="module")
def running(
    proxy: RedisProxy, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    urls = {"AFTERTURN_REDIS_URL": proxy.url, "AFTERTURN_POSTGRES_URL": postgres_server.url}
    settings = settings_module.load(QUICK | urls)
    directory = tmp_path_factory.mktemp("stack")
    with Stack(settings, data_dir=directory, commands=COMMANDS, names=WORKERS) as stack:
        yield stack
        close_connections()


def check(running: Stack, proxy: RedisProxy, user: str, command: str, error: str | None = None) -> None:
    memory = MemoryClient(user, settings=running.settings)
    memory.write("user", "I live in Porto.", turn_id="first", name="Ana")
    with proxy.failing(command, error):
        deadline = time.monotonic() + FAILS_SECONDS
        while time.monotonic() < deadline:
            try:
                memory.write("user", "I live in Porto.", turn_id="first", name="Ana")
            except MemoryUnavailable as refused:
                assert refused.code == "memory_unavailable"
            time.sleep(0.2)
    memory.write("user", "I live in Rome.", turn_id="second", name="Ana")
    memory.flush(wait_seconds=60)
    assert [turn.turn_id for turn in memory.history()] == ["first", "second"]
    assert running.ended() is None


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [pytest.param(name, marks=[] if name in ("BRPOP", "EVALSHA") else pytest.mark.chaos) for name in COMMANDS_SENT],
)
def test_a_connection_that_is_cut(running: Stack, proxy: RedisProxy, command: str) -> None:
    check(running, proxy, f"cut-{command}", command)


@pytest.mark.chaos
@pytest.mark.parametrize("command", ["BRPOP", "EVALSHA", "PING"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.split()[0])
def test_an_error_as_the_answer(running: Stack, proxy: RedisProxy, command: str, error: str) -> None:
    check(running, proxy, f"{error.split()[0]}-{command}", command, error)
