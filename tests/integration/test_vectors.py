"""Vectors cross the driver by pgvector's adapters, whatever the database knows of them so far."""

import psycopg
import pytest
from pgvector import HalfVector
from psycopg.adapt import PyFormat
from psycopg.pq import Format
from pydantic import SecretStr

from afterturn.database import pool
from afterturn.embedding import items

POOLS = {"worker": lambda settings: pool.open_worker_pool(settings, size=1), "app": pool.open_app_pool}
SENT = "SELECT %(vector)s::halfvec::text AS sent, %(none)s::halfvec IS NULL AS is_null"


@pytest.fixture
def other_database(settings, database):
    """Settings of a new database of the same server, without a schema and without pgvector."""
    database.execute("DROP DATABASE IF EXISTS vectors WITH (FORCE)")
    database.execute("CREATE DATABASE vectors")
    url, _, _ = settings.postgres_url.get_secret_value().rpartition("/")
    yield settings.model_copy(update={"postgres_url": SecretStr(f"{url}/vectors")})
    database.execute("DROP DATABASE vectors WITH (FORCE)")


@pytest.fixture(params=POOLS)
def open_pool(request):
    return POOLS[request.param]


def sent(opened):
    with opened, opened.connection() as connection:
        return connection.execute(SENT, {"vector": items.halfvec([0.5, -0.25]), "none": None}).fetchone()


def test_a_pool_s_connections_send_vectors_in_binary(settings, open_pool):
    with open_pool(settings) as opened, opened.connection() as connection:
        assert connection.adapters.get_dumper(HalfVector, PyFormat.AUTO).format == Format.BINARY
    assert sent(open_pool(settings)) == {"sent": "[0.5,-0.25]", "is_null": True}


def test_a_database_without_pgvector_takes_connections(other_database, open_pool):
    with open_pool(other_database) as opened, opened.connection() as connection:
        assert connection.execute("SELECT 1 AS one").fetchone() == {"one": 1}


def test_pgvector_may_be_in_any_schema_of_the_search_path(other_database, open_pool):
    with psycopg.connect(other_database.postgres_url.get_secret_value(), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA extensions")
        connection.execute("CREATE EXTENSION vector SCHEMA extensions")
        connection.execute("GRANT USAGE ON SCHEMA extensions TO PUBLIC")
        connection.execute("ALTER DATABASE vectors SET search_path = public, extensions")
    assert sent(open_pool(other_database)) == {"sent": "[0.5,-0.25]", "is_null": True}
