"""Workers, beat and clients on a Redis that is reached by each kind of URL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from afterturn import settings as settings_module
from afterturn.local.process import ChildProcess
from afterturn.local.redis_binary import find_binary
from afterturn.local.redis_server import RedisServer
from afterturn.local.stack import Stack
from afterturn.settings import Settings
from api_shim import MemoryClient
from api_shim.cli.processes import COMMANDS
from harness import sentinels
from harness.sentinels import Sentinels
from tests.conftest import QUICK
from tests.integration.conftest import WORKERS

pytestmark = pytest.mark.slow


@pytest.fixture
def socket_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a Redis that listens nowhere else."""
    directory = tmp_path_factory.mktemp("S")
    path = directory / "Redis.sock"
    command = [str(find_binary()), "--port", "0", "--unixsocket", str(path), "--save", ""]
    process = ChildProcess("redis", command, log_path=directory / "log", working_dir=directory, environment={})
    process.start()
    process.wait_until_ready(path.exists, deadline_seconds=20)
    yield path
    process.kill()


def remember(settings: Settings, url: str, directory: Path, between: object = None) -> None:
    """Let a turn become a fact, through all processes."""
    urls = {"AFTERTURN_REDIS_URL": url, "AFTERTURN_POSTGRES_URL": settings.postgres_url.get_secret_value()}
    ours = settings_module.load(QUICK | urls)
    with Stack(ours, data_dir=directory, commands=COMMANDS, names=WORKERS) as stack:
        memory = MemoryClient("ana", settings=ours)
        memory.write("user", "I live in Porto.", name="Ana")
        memory.flush(wait_seconds=60)
        if callable(between):
            between()
            memory.write("user", "I live in Rome.", name="Ana")
            memory.flush(wait_seconds=60)
        assert stack.ended() is None
        expected = "Ana lives in Rome." if between else "Ana lives in Porto."
        assert expected in {fact.text for fact in memory.facts()}


def test_a_unix_socket(settings: Settings, socket_path: Path, tmp_path: Path) -> None:
    remember(settings, f"unix://{socket_path}?db=2", tmp_path)


def test_options_after_the_question_mark(settings: Settings, redis_server: RedisServer, tmp_path: Path) -> None:
    bare = redis_server.url.rpartition("/")[0]
    remember(settings, f"{bare}?db=5&socket_timeout=5&health_check_interval=10&client_name=ours", tmp_path)


@pytest.mark.skipif(
    not sentinels.is_installed(), reason="there is no redis-server on PATH, which has the Sentinel mode"
)
def test_sentinels_and_a_failover(settings: Settings, tmp_path: Path) -> None:
    with Sentinels(tmp_path / "servers") as servers:
        remember(settings, servers.url, tmp_path / "stack", between=servers.fail_over)
