"""What holds when Redis is emptied, restarted or put back, and when Postgres is stopped."""

import itertools
import shutil

import pytest
import redis

from afterturn import MemoryClient
from afterturn import settings as settings_module
from afterturn.errors import ConcurrencyError, MemoryUnavailable
from afterturn.hot import keys
from afterturn.local.postgres_server import PostgresServer
from afterturn.local.redis_server import RedisServer
from afterturn.pipeline import prepare
from afterturn.scopes import UserScope
from harness.pipeline import Pipeline
from harness.waiting import wait_until
from tests.conftest import QUICK

ANA = UserScope("default", "ana")


@pytest.fixture
def own_redis(settings, tmp_path):
    """A Redis of the test's own, and settings with it."""
    with RedisServer(tmp_path / "redis") as server:
        yield (
            server,
            type(settings)(**settings.model_dump(exclude_unset=True) | {"redis_url": server.url}),
        )


@pytest.fixture
def own_postgres(redis_server, tmp_path, settings):
    """A Postgres of the test's own, and settings with it."""
    with PostgresServer(tmp_path / "postgres", durable=False) as server:
        given = {"AFTERTURN_REDIS_URL": redis_server.url, "AFTERTURN_POSTGRES_URL": server.url}
        ours = settings_module.load(QUICK | given | {"AFTERTURN_POSTGRES_TIMEOUT_SECONDS": "2"})
        prepare.prepare_database(server.url, ours)
        yield server, ours


@pytest.mark.parametrize("command", ["FLUSHALL", "FLUSHDB"])
def test_the_last_acknowledged_version_comes_back_after_redis_was_emptied(settings, hot_store, command):
    """At once after the acknowledgement, without any worker, again and again."""
    memory = MemoryClient("ana", settings=settings)
    for number in range(1, 30):
        if number % 5 == 0:
            assert memory.state.delete("plan") is True
        else:
            assert memory.state.put("plan", number) == number
        hot_store.execute_command(command)
        assert memory.state.get("plan") == ((None, 0) if number % 5 == 0 else (number, number))
        with pytest.raises(ConcurrencyError):
            memory.state.put("plan", "old", expected=number + 1)


def test_an_update_goes_on_while_redis_is_emptied(settings, hot_store):
    memory = MemoryClient("ana", settings=settings)
    for number in range(20):

        def change(value):
            hot_store.flushall()
            return (value or 0) + 1

        assert memory.state.update("count", change) == (number + 1, number + 1)


def test_a_redis_that_is_emptied_between_a_read_of_postgres_and_the_copy(settings, hot_store):
    """What was read before may be old: it is read again."""
    reader, writer = MemoryClient("ana", settings=settings), MemoryClient("ana", "other", settings=settings)
    writer.state.put("plan", 1)
    hot_store.flushdb()
    driver, steps = reader._driver, itertools.count()
    execute = driver._execute

    def interfere(effect):
        answer = execute(effect)
        if next(steps) == 1:  # after the read of Postgres
            writer.state.put("plan", 2)
            hot_store.flushdb()
        return answer

    driver._execute = interfere
    assert reader.state.get("plan") == (2, 2)
    driver._execute = execute
    assert reader.state.get("plan") == (2, 2)


def test_redis_is_killed_and_started_again(own_redis):
    server, settings = own_redis
    memory = MemoryClient("ana", settings=settings)
    for number in range(1, 6):
        assert memory.state.put("plan", number) == number
        server.kill()
        server.start()
        assert memory.state.get("plan") == (number, number)


def test_a_redis_that_comes_back_with_older_data_is_not_believed(own_redis, tmp_path):
    server, settings = own_redis
    memory = MemoryClient("ana", settings=settings)
    memory.state.put("plan", "old")
    memory.state.put("kept", "old")
    held = memory.lock("plan")
    held.acquire()
    server.stop()
    shutil.copytree(tmp_path / "redis" / "redis", tmp_path / "copy")
    server.start()
    memory.state.put("plan", "new")
    memory.state.delete("kept")
    server.stop()
    shutil.rmtree(tmp_path / "redis" / "redis")
    shutil.copytree(tmp_path / "copy", tmp_path / "redis" / "redis")
    server.start()
    with pytest.raises(ConcurrencyError):
        memory.state.put("plan", "x", expected=1)
    assert memory.state.get("plan") == ("new", 2)
    assert memory.state.get("kept") == (None, 0)
    with pytest.raises(ConcurrencyError):
        memory.state.put("plan", "x", fence=held)
    with Pipeline(settings) as pipeline:
        pipeline.settle()
    assert memory.state.get("plan") == ("new", 2)
    assert memory.state.put("plan", "x") == 3


def test_without_redis_nothing_is_read_and_nothing_is_written(own_redis):
    server, settings = own_redis
    memory = MemoryClient("ana", settings=settings)
    memory.state.put("plan", 1)
    server.stop()
    for call in (
        lambda: memory.state.get("plan"),
        lambda: memory.state.put("plan", 2),
        lambda: memory.state.list(),
    ):
        with pytest.raises(MemoryUnavailable):
            call()
    server.start()
    assert memory.state.get("plan") == (1, 1)


def test_with_postgres_stopped_redis_serves_what_it_has_and_it_is_archived_later(own_postgres, redis_server):
    server, settings = own_postgres
    memory = MemoryClient("ana", settings=settings)
    memory.state.put("plan", 1)
    memory.state.put("cold", 1)
    with Pipeline(settings) as pipeline:
        pipeline.settle()
    server.stop()
    with redis.Redis.from_url(redis_server.url) as client:
        client.hdel(keys.state(ANA), "user::cold")
        assert memory.state.get("plan") == (1, 1)
        assert memory.state.put("plan", 2, expected=1) == 2
        assert memory.state.update("plan", lambda value: value + 1) == (3, 3)
        with pytest.raises(ConcurrencyError):
            memory.state.put("plan", 9, expected=2)
        for call in (
            lambda: memory.state.get("cold"),
            lambda: memory.state.put("cold", 2),
            lambda: memory.state.put("new", 2),
            lambda: memory.state.list(),
        ):
            with pytest.raises(MemoryUnavailable):
                call()
        # What is only in Redis does not expire.
        assert client.ttl(keys.state(ANA)) == client.ttl(keys.documents(ANA)) == -1
        server.start()
        with Pipeline(settings) as pipeline:
            pipeline.settle()
        assert client.ttl(keys.state(ANA)) > 0 and client.ttl(keys.documents(ANA)) > 0
        client.flushdb()
    wait_until(lambda: _is_served(memory), seconds=60, what=lambda: "Postgres is used again")
    assert memory.state.get("plan") == (3, 3)
    assert memory.state.get("cold") == (1, 1)


def test_a_restarted_redis_with_newer_versions_than_postgres_keeps_them(own_redis, own_postgres, tmp_path):
    (redis_server, _), (postgres, with_postgres) = own_redis, own_postgres
    settings = type(with_postgres)(**with_postgres.model_dump(exclude_unset=True) | {"redis_url": redis_server.url})
    memory = MemoryClient("ana", settings=settings)
    memory.state.put("plan", 1)
    postgres.stop()
    memory.state.put("plan", 2)
    redis_server.stop()
    redis_server.start()
    with pytest.raises(MemoryUnavailable):
        memory.state.get("plan")
    postgres.start()
    wait_until(lambda: _is_served(memory), seconds=60, what=lambda: "Postgres is used again")
    assert memory.state.get("plan") == (2, 2)
    assert memory.state.put("plan", 3, expected=2) == 3
    with Pipeline(settings) as pipeline:
        pipeline.settle()
    assert memory.state.get("plan") == (3, 3)


def _is_served(memory):
    try:
        memory.state.get("plan")
    except MemoryUnavailable:
        return False
    return True
