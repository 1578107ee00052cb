"""PgBouncer in session mode is a Postgres like others. In transaction mode it is refused before anything leaks."""

import asyncio

import psycopg
import pytest
from pydantic import SecretStr

from afterturn.database import pool, poolers, schema
from afterturn.errors import DatabaseMisconfigured, MemoryUnavailable
from afterturn.pipeline import prepare
from api_shim import AsyncMemoryClient, MemoryClient
from harness import pgbouncer
from harness.pipeline import Pipeline

pytestmark = pytest.mark.skipif(pgbouncer.find_program() is None, reason="pgbouncer is not installed")


@pytest.fixture(autouse=True)
def _check_anew():
    poolers._checked.clear()


@pytest.fixture
def managed_login(managed):
    """The URL of a login of a database that is not migrated yet."""
    managed.run("CREATE EXTENSION vector")
    return managed.url(managed.create_login("CREATEROLE"))


@pytest.fixture
def through(tmp_path, managed_login, settings):
    """Start a PgBouncer; give settings that lead through it."""
    started = []

    def start(pool_mode, **options):
        running = pgbouncer.pgbouncer(tmp_path / "pgbouncer", managed_login, pool_mode, options)
        started.append(running)
        return settings.model_copy(update={"postgres_url": SecretStr(running.__enter__())})

    yield start
    for running in started:
        running.__exit__(None, None, None)


def test_everything_works_in_session_mode(through, hot_store):
    given = through("session")
    assert prepare.prepare_database(given.postgres_url.get_secret_value(), given)[0] == "0001_first_schema"
    schema.check_at_start(given)
    with Pipeline(given) as pipeline:
        memory = MemoryClient("ana", settings=given)
        memory.write("user", "I live in Porto.", name="Ana")
        pipeline.settle()
        assert [fact.text for fact in memory.facts()] == ["Ana lives in Porto."]
    with pool.open_app_pool(given) as opened, opened.connection() as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == {"statement_timeout": "10s"}
        assert connection.execute("SELECT current_user").fetchone() == {"current_user": "afterturn_app"}


@pytest.mark.parametrize(
    ("pool_mode", "options"),
    [
        ("transaction", {}),
        ("transaction", {"server_round_robin": "1", "min_pool_size": "5"}),
        ("transaction", {"ignore_startup_parameters": "options,extra_float_digits"}),
        ("statement", {}),
    ],
)
def test_transaction_mode_is_refused_and_nothing_is_set(through, hot_store, pool_mode, options):
    given = through(pool_mode, **options)
    url = given.postgres_url.get_secret_value()
    memory = MemoryClient("ana", settings=given)

    async def ask():
        await AsyncMemoryClient("ana", settings=given).facts()

    def work():
        with pool.worker_connection(given):
            pass

    for call in (
        memory.facts,
        lambda: asyncio.run(ask()),
        work,
        lambda: schema.check_at_start(given),
        lambda: prepare.prepare_database(url, given),
    ):
        with pytest.raises(DatabaseMisconfigured, match=r"transaction mode.*pool_mode=session"):
            call()
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        for _ in range(10):
            assert connection.execute("SELECT current_user = session_user").fetchone() == (True,)


def test_a_url_with_options_names_the_parameter_of_pgbouncer(through):
    given = through("session")
    url = given.postgres_url.get_secret_value() + "?options=-cwork_mem%3D8MB"
    with pytest.raises(MemoryUnavailable, match="ignore_startup_parameters"):
        MemoryClient("ana", settings=given.model_copy(update={"postgres_url": SecretStr(url)})).facts()


def test_a_role_does_not_reach_the_next_client_in_session_mode(through):
    given = through("session", default_pool_size="3")
    prepare.prepare_database(given.postgres_url.get_secret_value(), given)
    with pool.worker_connection(given) as connection:
        assert connection.execute("SELECT current_user").fetchone() == {"current_user": "afterturn_worker"}
    with psycopg.connect(given.postgres_url.get_secret_value(), autocommit=True) as connection:
        assert connection.execute("SELECT current_user = session_user").fetchone() == (True,)
