"""Real servers for all tests: one Redis and one Postgres of our own, emptied before each test that uses them."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
import redis

import api_shim
from afterturn import settings as settings_module
from afterturn.consolidation import known_statements, near_facts
from afterturn.local.postgres_server import PostgresServer
from afterturn.local.redis_server import RedisServer
from afterturn.pipeline import prepare
from afterturn.settings import Settings
from harness import servers
from harness.pipeline import Pipeline
from tests.command_line import CommandLine
from tests.groups import GroupScheduling, group_of
from tests.worker_pools import WorkerPools

# How long an example takes says more of what else runs on the machine than of the code.
hypothesis.settings.register_profile("suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("suite")

#: Batches are cut at once, so that no test waits for idle time.
QUICK = {"AFTERTURN_BATCH_IDLE_SECONDS": "0", "AFTERTURN_SWEEP_SECONDS": "0.2", "AFTERTURN_LEASE_SECONDS": "2"}


def pytest_configure() -> None:
    """Let Ctrl-C reach us and what we start, also where our caller ignores it; find no `up` that a developer runs.

    A shell ignores SIGINT for what it starts in the background (`nohup make test &`), and children inherit that: the
    programs under test would ignore it as well, unlike those that a person starts.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.setdefault("AFTERTURN_DATA_DIR", str(Path(tempfile.gettempdir()) / f"afterturn-tests-{os.getpid()}"))
    # Tests start hundreds of processes of ours: their bytecode is kept, also where the environment says otherwise.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """With `-n auto`: one process more than there are processors, for tests wait as long as they compute."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """Groups are handed out as they are."""
    return GroupScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put groups first and other slow tests after them, so that all processes end together."""
    items.sort(key=_place_of)


def _place_of(item: pytest.Item) -> int:
    if group_of(item.nodeid.partition("::")[0]):
        return 0
    return 1 if item.get_closest_marker("slow") else 2


@dataclass(frozen=True, slots=True)
class GivenServer:
    """A server that runs already. TEST_REDIS_URL and TEST_POSTGRES_OWNER_URL name them; tests empty them."""

    url: str


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer | GivenServer]:
    if given := os.environ.get("TEST_REDIS_URL"):
        yield GivenServer(given)
        return
    with RedisServer(tmp_path_factory.mktemp("servers")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer | GivenServer]:
    """The run's Postgres, with the login of a superuser, who sees everything."""
    if given := os.environ.get("TEST_POSTGRES_OWNER_URL"):
        yield GivenServer(given)
        return
    with PostgresServer(tmp_path_factory.mktemp("servers"), durable=False) as server:
        prepare.prepare_database(server.url, settings_module.load({}))
        yield server


@pytest.fixture(scope="session")
def login_url(postgres_server: PostgresServer | GivenServer) -> str:
    """The URL that afterturn uses: the superuser's, or TEST_POSTGRES_URL, with which its database is migrated."""
    if given := os.environ.get("TEST_POSTGRES_URL"):
        prepare.prepare_database(given, settings_module.load({}))
        return given
    return postgres_server.url


@pytest.fixture(scope="session")
def cleaner(postgres_server: PostgresServer | GivenServer) -> Iterator[psycopg.Connection]:
    """The connection that empties the tables before each test."""
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def run_settings(redis_server: RedisServer | GivenServer, login_url: str) -> Settings:
    """The settings of the run's servers."""
    return settings_module.load(QUICK | {"AFTERTURN_REDIS_URL": redis_server.url, "AFTERTURN_POSTGRES_URL": login_url})


@pytest.fixture
def settings(cleaner: psycopg.Connection, run_settings: Settings) -> Iterator[Settings]:
    """Settings of the run's servers, which are empty."""
    with redis.Redis.from_url(run_settings.redis_url) as client:
        client.flushdb()
    servers.empty_tables(cleaner)
    yield run_settings
    api_shim.close_connections()


@pytest.fixture
def hot_store(settings: Settings) -> Iterator[redis.Redis]:
    """The hot store; afterwards each of its keys must be one that hot/keys.py documents, with the TTL it says."""
    with redis.Redis.from_url(settings.redis_url) as client:
        yield client
        assert undocumented_keys(client) == []


@pytest.fixture
def database(settings: Settings, postgres_server: PostgresServer | GivenServer) -> Iterator[psycopg.Connection]:
    """A connection of a superuser, who sees everything."""
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def worker_pools(postgres_server: PostgresServer | GivenServer) -> Iterator[WorkerPools]:
    """The connections of the pipelines of all tests."""
    opened = WorkerPools()
    yield opened
    opened.close()


@pytest.fixture
def pipeline(settings: Settings, hot_store: redis.Redis, worker_pools: WorkerPools) -> Iterator[Pipeline]:
    """All stages in this process, run by hand."""
    with Pipeline(settings) as opened, worker_pools.lend(opened):
        yield opened


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line, on the run's servers."""
    opened = CommandLine(monkeypatch, capsys)
    opened.use(settings)
    return opened


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[..., str]:
    """Write lines as JSON to a file; return its path."""

    def write(*lines: object, name: str = "old.jsonl") -> str:
        path = tmp_path / name
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return str(path)

    return write


@pytest.fixture
def empty_directory(tmp_path: Path) -> Path:
    directory = tmp_path / "empty"
    directory.mkdir()
    return directory


_WITHOUT_TTL = re.compile(
    rb"at:\{\d+\}:((pending|ids):[^:]+:[^:]+:[^:]+|due|claims|bytes|(hidden|state|documents):[^:]+:[^:]+)|at:breaker:(llm|embedder|next_embedder)"
)
_WITH_TTL = re.compile(
    rb"at:\{\d+\}:((recent|ids|items):[^:]+:[^:]+:[^:]+|(lock|shown|state|documents|locks):[^:]+:[^:]+|put:[0-9a-f-]{36}|erased:[0-9a-f]{64})|at:(sweep|reconcile|cold_away|queues|heartbeats|settings)"
    rb"|at:learned:(llm|embedder):[0-9a-f]{32}|at:limit:[0-9a-f]{32}"
    rb"|at:import(ing)?:[0-9a-f]{64}:[0-9a-f]{32}"
)


def undocumented_keys(client: redis.Redis) -> list[bytes]:
    """Return the keys of ours that are not in the map, or lack the TTL it gives them."""
    wrong = []
    for key in client.scan_iter("at:*"):
        ttl = client.ttl(key)
        has_just_ended = ttl == -2
        if not has_just_ended and not (_WITH_TTL if ttl >= 0 else _WITHOUT_TTL).fullmatch(key):
            wrong.append(key)
    return wrong


@contextmanager
def judge_decides_all() -> Iterator[None]:
    """Have the judge decide on all pairs: extraction is shown no known fact, and all facts are near to each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(known_statements, "KNOWN_TOKENS", 0)
        for name in ("CALLED_OVERLAP", "SHOWN_OVERLAP"):
            patch.setattr(near_facts, name, 0.0)
        yield


@pytest.fixture
def judged() -> Iterator[None]:
    """The judge decides on all pairs."""
    with judge_decides_all():
        yield
