"""A Postgres that cannot be used is named at once, with the setting and the reason, and remembered for a second."""

import asyncio
import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from psycopg.sql import SQL
from pydantic import SecretStr

from afterturn.database import pool
from afterturn.database.availability import REMEMBER_SECONDS
from afterturn.errors import DatabaseMisconfigured, MemoryUnavailable, SchemaMismatch, SettingsError
from afterturn.local.postgres_server import PostgresServer
from afterturn.pipeline import prepare
from afterturn.settings import Settings
from api_shim import AsyncMemoryClient, MemoryClient, close_async_connections
from tests.integration.database.conftest import PASSWORD

#: What "at once" means on a machine that runs other tests: far less than the time of the setting.
AT_ONCE_SECONDS = 20.0
TIMEOUT_SECONDS = 60.0


@pytest.fixture
def refused(settings):
    """Settings whose Postgres port nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        url = SecretStr(f"postgresql://ana:{'secret' * 3}@127.0.0.1:{port}/x")
        yield settings.model_copy(update={"postgres_url": url, "postgres_timeout_seconds": TIMEOUT_SECONDS})


@pytest.fixture
def silent(settings):
    """Settings whose Postgres accepts connections and never answers, and the list of those connections."""
    opened: list[socket.socket] = []

    def accept(listening):
        with suppress(OSError):
            while True:
                opened.append(listening.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, args=(listening,), daemon=True).start()
        url = SecretStr(f"postgresql://ana@127.0.0.1:{listening.getsockname()[1]}/x")
        yield settings.model_copy(update={"postgres_url": url, "postgres_timeout_seconds": 3.0}), opened
        listening.shutdown(socket.SHUT_RDWR)
    for connection in opened:
        connection.close()


@pytest.fixture
def own_server(tmp_path, settings):
    """A Postgres of this test, which it may stop and start, and settings for it."""
    with PostgresServer(tmp_path, durable=False) as server:
        prepare.prepare_database(server.url, settings)
        given = {"postgres_url": SecretStr(server.url), "postgres_timeout_seconds": TIMEOUT_SECONDS}
        yield server, settings.model_copy(update=given)


def timed(call):
    began = time.monotonic()
    result = call()
    return result, time.monotonic() - began


def error_of(call):
    with pytest.raises(MemoryUnavailable) as caught:
        call()
    return caught.value


def test_a_refused_connection_is_an_error_at_once(refused):
    error, seconds = timed(lambda: error_of(lambda: MemoryClient("ana", settings=refused).facts()))
    assert seconds < AT_ONCE_SECONDS
    assert "AFTERTURN_POSTGRES_URL" in str(error)
    assert "refused" in str(error).lower()
    assert "secret" not in str(error)


def test_recall_and_context_answer_from_redis_at_once_while_connections_are_refused(refused, hot_store):
    memory = MemoryClient("ana", settings=refused)
    memory.write("user", "I live in Porto.")
    for call in (
        lambda: [found.text for found in memory.recall("Who lives in Porto?")],
        lambda: [turn.content for turn in memory.history()],
        lambda: [message["content"] for message in memory.context("Where do I live?", token_budget=500).messages][-1:],
    ):
        answer, seconds = timed(call)
        assert answer == ["I live in Porto."]
        assert seconds < AT_ONCE_SECONDS


def test_asyncio_answers_from_redis_at_once_while_connections_are_refused(refused, hot_store):
    async def ask():
        memory = AsyncMemoryClient("ana", settings=refused)
        await memory.write("user", "I live in Porto.")
        recalled = await asyncio.gather(*(memory.recall("Who lives in Porto?") for _ in range(20)))
        with pytest.raises(MemoryUnavailable, match="AFTERTURN_POSTGRES_URL"):
            await memory.facts()
        await close_async_connections()
        return {found.text for answer in recalled for found in answer}

    texts, seconds = timed(lambda: asyncio.run(ask()))
    assert texts == {"I live in Porto."}
    assert seconds < AT_ONCE_SECONDS


def test_a_host_that_does_not_answer_is_waited_for_once_and_not_by_every_call(silent, hot_store):
    given, opened = silent
    memory = MemoryClient("ana", settings=given)
    memory.write("user", "I live in Porto.")
    memory.recall("Who lives in Porto?")
    tried = len(opened)
    with ThreadPoolExecutor(8) as threads:
        answers, seconds = timed(lambda: list(threads.map(memory.recall, ["Porto?"] * 40)))
    assert all([found.text for found in answer] == ["I live in Porto."] for answer in answers)
    # Each second one call tries again.
    assert len(opened) - tried <= 2 + seconds / REMEMBER_SECONDS


def test_what_is_remembered_is_forgotten_after_a_second(own_server, hot_store):
    server, given = own_server
    memory = MemoryClient("ana", settings=given)
    memory.write("user", "I live in Porto.")
    assert memory.facts() == []
    server.stop()
    error_of(memory.facts)
    server.start()
    time.sleep(REMEMBER_SECONDS + 0.1)
    assert memory.facts() == []


def test_idle_connections_that_a_restart_closed_cost_no_call(own_server):
    server, given = own_server
    memory = MemoryClient("ana", settings=given)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: memory.facts(), range(40)))
    server.stop()
    server.start()
    answer, seconds = timed(memory.facts)
    assert answer == []
    assert seconds < AT_ONCE_SECONDS


def test_asyncio_notices_connections_that_a_restart_closed(own_server):
    server, given = own_server

    async def ask():
        memory = AsyncMemoryClient("ana", settings=given)
        await asyncio.gather(*(memory.facts() for _ in range(40)))
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        facts = await memory.facts()
        await close_async_connections()
        return facts

    assert asyncio.run(ask()) == []


def test_a_worker_waits_for_a_server_that_is_restarted(own_server):
    """What it wants to write may have been paid for."""
    server, given = own_server
    with pool.open_worker_pool(given, size=2) as opened:
        with opened.connection() as connection:
            assert connection.execute("SELECT 1 AS one").fetchone() == {"one": 1}
        server.stop()
        with ThreadPoolExecutor(1) as threads:
            written = threads.submit(_select_one, opened)
            time.sleep(1.5)
            assert not written.done()
            server.start()
            assert written.result(timeout=60) == {"one": 1}


def _select_one(opened):
    with opened.connection() as connection:
        return connection.execute("SELECT 1 AS one").fetchone()


def test_a_worker_does_not_wait_for_a_server_that_has_been_away_for_longer(refused):
    impatient = refused.model_copy(update={"postgres_timeout_seconds": 2.0})
    with pool.open_worker_pool(impatient, size=2) as opened:
        with pytest.raises(Exception, match="refused"):
            _select_one(opened)
        time.sleep(2.0)
        error, seconds = timed(lambda: error_of(lambda: _translated(opened)))
    assert seconds < 1.8
    assert "AFTERTURN_POSTGRES_URL" in str(error)


def _translated(opened):
    from afterturn.database.connect_errors import translate_connection_errors

    with translate_connection_errors():
        return _select_one(opened)


@pytest.mark.parametrize("open_pool", [pool.open_app_pool, lambda given: pool.open_worker_pool(given, size=1)])
def test_a_wrong_password_is_said_within_the_time_of_one_attempt(place, open_pool, caplog):
    login = place.create_login()
    given = place.settings(place.url(login, "wr0ng-passw0rd"), postgres_timeout_seconds=1.0)
    with caplog.at_level(logging.DEBUG), open_pool(given) as opened:
        error, seconds = timed(lambda: error_of(lambda: _translated(opened)))
    assert seconds < AT_ONCE_SECONDS
    assert "AFTERTURN_POSTGRES_URL" in str(error)
    assert f'password authentication failed for user "{login}"' in str(error)
    assert "wr0ng-passw0rd" not in caplog.text + repr(error)


def test_an_unknown_database_is_said_at_once(place):
    url = place.owner_url.replace(place.name, "nowhere")
    error, seconds = timed(lambda: error_of(lambda: MemoryClient("ana", settings=place.settings(url)).facts()))
    assert seconds < AT_ONCE_SECONDS
    assert 'database "nowhere" does not exist' in str(error)


def test_a_database_without_a_schema_names_the_command(place, hot_store):
    given = place.settings()
    for call in (MemoryClient("ana", settings=given).facts, lambda: _worker_reads_batches(given)):
        error = error_of(call)
        assert isinstance(error, SchemaMismatch)
        assert "afterturn migrate" in str(error)


def _worker_reads_batches(given):
    with pool.worker_connection(given) as connection:
        connection.execute("SELECT * FROM batches")


def test_an_older_schema_names_the_command(place):
    prepare.prepare_database(place.owner_url, place.settings())
    place.run("ALTER TABLE facts DROP COLUMN ended_because")
    error = error_of(MemoryClient("ana", settings=place.settings()).facts)
    assert isinstance(error, SchemaMismatch)
    assert "ended_because" in str(error)
    assert "afterturn migrate" in str(error)


def test_a_login_without_the_roles_names_the_command(place):
    prepare.prepare_database(place.owner_url, place.settings())
    login = place.create_login(may_create=False)
    error = error_of(MemoryClient("ana", settings=place.settings(place.url(login))).facts)
    assert isinstance(error, DatabaseMisconfigured)
    assert "afterturn_app" in str(error)
    assert "afterturn migrate" in str(error)


WITH_A_PASSWORD = [
    "postgresql://ana:pa/ss@host/db",
    "postgresql://ana:p@ss@host:5432/db",
    "postgresql://ana:pass@host:54x2/db",
    "postgresql://ana:pass@host/db?ssl=true",
    "postgresql://ana:pa%zzss@host/db",
    "mysql://ana:pass@host/db",
    "jdbc:postgresql://host/db?password=pass",
    "host=h password='pass",
    "host=h password=pass other",
    "pass",
]


@pytest.mark.parametrize("url", WITH_A_PASSWORD)
def test_a_url_that_cannot_be_used_is_refused_without_any_part_of_it(settings, url, caplog):
    with caplog.at_level(logging.DEBUG), pytest.raises(Exception) as caught:
        given = Settings(**settings.model_dump(exclude_unset=True) | {"postgres_url": SecretStr(url)})
        MemoryClient("ana", settings=given).facts()
    import traceback

    printed = "".join(traceback.format_exception(caught.value)) + caplog.text
    shown = printed.replace("password", "").replace("MemoryClient", "")
    assert "ss@" not in shown
    assert "'pass" not in shown
    assert "pa%zz" not in shown
    assert ":pass" not in shown
    assert "postgres_url" in printed or "AFTERTURN_POSTGRES_URL" in printed


def prepared_login(place):
    """Create a login as an administrator does who made the roles and pgvector before."""
    login = place.create_login()
    place.run("CREATE EXTENSION vector; GRANT afterturn_app, afterturn_worker TO {}", login)
    return login


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+asyncpg", "POSTGRESQL"])
def test_the_driver_in_a_scheme_is_ignored(place, scheme):
    login = prepared_login(place)
    url = place.url(login).replace("postgresql://", f"{scheme}://")
    given = Settings(**place.settings().model_dump(exclude_unset=True) | {"postgres_url": SecretStr(f" {url} ")})
    prepare.prepare_database(given.postgres_url.get_secret_value(), given)
    assert MemoryClient("ana", settings=given).facts() == []


def test_key_value_pairs_are_a_connection_string_too(place, settings):
    from psycopg import conninfo

    parts = conninfo.conninfo_to_dict(place.url(prepared_login(place)))
    text = conninfo.make_conninfo("", **parts)
    assert PASSWORD in text
    given = Settings(**settings.model_dump(exclude_unset=True) | {"postgres_url": SecretStr(text)})
    prepare.prepare_database(given.postgres_url.get_secret_value(), given)
    assert MemoryClient("ana", settings=given).facts() == []


def test_settings_in_the_url_are_kept(place):
    prepare.prepare_database(place.owner_url, place.settings())
    given = place.settings(place.url(query="options=-c%20work_mem%3D7777kB"))
    with pool.open_app_pool(given) as opened, opened.connection() as connection:
        assert connection.execute(SQL("SHOW work_mem")).fetchone() == {"work_mem": "7777kB"}
        assert connection.execute(SQL("SHOW statement_timeout")).fetchone() == {"statement_timeout": "10s"}


def test_a_wrong_url_is_a_settings_error(settings):
    given = settings.model_copy(update={"postgres_url": SecretStr("postgresql://u:p@h:x/d")})
    with pytest.raises(SettingsError, match="AFTERTURN_POSTGRES_URL"):
        MemoryClient("ana", settings=given).facts()
