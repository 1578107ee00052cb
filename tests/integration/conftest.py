"""Real workers and a real HTTP API on the run's servers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
import redis

from afterturn import settings as settings_module
from afterturn.hot import heartbeats
from afterturn.local.postgres_server import PostgresServer
from afterturn.local.redis_server import RedisServer
from afterturn.local.stack import Stack
from afterturn.pipeline.enqueue import STAGES
from afterturn.settings import Settings
from api_shim.cli.processes import COMMANDS
from harness.servers import empty
from tests.conftest import QUICK

WORKERS = ("fast worker", "slow worker", "beat")


@pytest.fixture
def workers(settings: Settings, tmp_path: Path) -> Iterator[Stack]:
    """The fast worker, the slow worker and beat, as `afterturn up` starts them."""
    with Stack(settings, data_dir=tmp_path / "stack", commands=COMMANDS, names=WORKERS) as stack:
        yield stack


@pytest.fixture
def restored_spaces(database: psycopg.Connection) -> Iterator[None]:
    """Afterwards there is the one embedding space of before, and no vector."""
    row = database.execute("SELECT space_id FROM embedding_spaces WHERE state = 'serving'").fetchone()
    assert row is not None
    yield
    database.execute("TRUNCATE missing_vectors, vectors")
    database.execute("DELETE FROM embedding_spaces WHERE space_id <> %s", row)
    database.execute(
        "UPDATE embedding_spaces SET state = 'serving', generation = 0, drop_at = NULL, is_dropping = false, "
        "dropped_at = NULL, retired_at = NULL, problem = NULL"
    )


@pytest.fixture
def running_workers(hot_store: redis.Redis) -> None:
    """A worker for each stage sent a heartbeat, and a sweep was completed, just now."""
    heartbeats.record(hot_store, heartbeats.worker("all@here", STAGES))
    heartbeats.record(hot_store, heartbeats.SWEEP)


@pytest.fixture(scope="session")
def api_address(
    redis_server: RedisServer, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of the HTTP API, a process as `afterturn up` starts it; one for all tests."""
    servers = {"AFTERTURN_REDIS_URL": redis_server.url, "AFTERTURN_POSTGRES_URL": postgres_server.url}
    served = settings_module.load(QUICK | servers | {"AFTERTURN_API_PORT": "0"})
    # It looks for keys when it starts: those of an earlier test are not meant.
    empty(served, postgres_server.url)
    with Stack(served, data_dir=tmp_path_factory.mktemp("api"), commands=COMMANDS, names=("api",)) as stack:
        yield stack.address("api")


@pytest.fixture
def api(settings: Settings, api_address: str) -> Iterator[httpx.Client]:
    """A client of the HTTP API, behind which everything is empty."""
    with httpx.Client(base_url=api_address, timeout=60) as client:
        yield client


@pytest.fixture
def bare_environment(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine without settings; its temporary directories are below this test's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AFTERTURN_")}
    # The language model need not be unpacked in each home.
    caches = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    own = {"TMPDIR": str(tmp_path), "HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": caches, "PYTHONUNBUFFERED": "1"}
    return kept | own
