"""One pipeline with a model and one without, shared by all cases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from afterturn.local.postgres_server import PostgresServer
from afterturn.local.redis_server import RedisServer
from tests.conftest import QUICK, judge_decides_all
from tests.knowledge.table import Table


@pytest.fixture(scope="package")
def table(redis_server: RedisServer, postgres_server: PostgresServer) -> Iterator[Table]:
    servers = {"AFTERTURN_REDIS_URL": redis_server.url, "AFTERTURN_POSTGRES_URL": postgres_server.url}
    # The cases say which verdicts a judge gives: it decides on all pairs.
    with judge_decides_all(), Table(QUICK | servers) as table:
        yield table
