"""Lanes on the run's servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import api_shim
from afterturn.local.postgres_server import PostgresServer
from afterturn.local.redis_server import RedisServer
from harness.chaos import trial
from harness.chaos.image import Image
from harness.chaos.lane import Lane


@pytest.fixture(scope="session")
def shared_lane(
    redis_server: RedisServer, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lane]:
    with Lane(redis_server.url, postgres_server.url, tmp_path_factory.mktemp("lane")) as lane:
        yield lane
        api_shim.close_connections()


@pytest.fixture(scope="session")
def expected(shared_lane: Lane) -> Image:
    """What the uninterrupted run remembers."""
    return trial.uninterrupted(shared_lane)


@pytest.fixture
def lane(shared_lane: Lane, tmp_path: Path) -> Lane:
    shared_lane.directory = tmp_path
    return shared_lane
