"""Connections end with what used them: event loops, threads and forked processes."""

import asyncio
import multiprocessing
import threading
import time

import pytest
import redis
from pydantic import SecretStr

from afterturn.client import connections
from afterturn.pipeline import prepare
from api_shim import AsyncMemoryClient, MemoryClient, close_connections

#: More than the server admits (max_connections is 200), and than a process may open files by default (1024).
CALLS = 500
#: What one process may have: a pool of four, and of Redis one per concurrent call.
FEW = 8


#: A Redis database that no other test uses, so that its connections can be told from others.
REDIS_DATABASE = 9


@pytest.fixture
def ours(place):
    """Settings of databases that only this test uses."""
    prepare.prepare_database(place.owner_url, place.settings())
    given = place.settings()
    url = f"{given.redis_url.rpartition('/')[0]}/{REDIS_DATABASE}"
    yield given.model_copy(update={"redis_url": url})
    close_connections()
    connections._abandon_closed_loops()
    with redis.Redis.from_url(url) as client:
        client.flushdb()


@pytest.fixture
def counts(ours, place, database, hot_store):
    """Return the connections to these databases that Postgres and Redis have."""

    def count():
        row = database.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [place.name]).fetchone()
        clients = [client for client in hot_store.client_list() if client["db"] == str(REDIS_DATABASE)]
        return row[0], len(clients)

    _wait_until(lambda: count() == (0, 0))
    return count


def _wait_until(is_true, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not is_true() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert is_true()


async def use_memory(settings, number):
    memory = AsyncMemoryClient("ana", settings=settings)
    await memory.write("user", f"turn {number}")
    await memory.facts()
    return True


@pytest.mark.slow
def test_asyncio_run_per_call_leaves_no_connection(ours, counts):
    most = (0, 0)
    for number in range(CALLS):
        assert asyncio.run(use_memory(ours, number))
        if number % 50 == 0:
            most = tuple(map(max, most, counts()))
    assert max(most) <= FEW
    _wait_until(lambda: counts() == (0, 0))
    assert len(connections._by_loop) <= 1


def test_a_loop_that_is_closed_without_shutting_down_leaves_its_connections_until_the_next_one(ours, counts):
    for number in range(50):
        loop = asyncio.new_event_loop()
        assert loop.run_until_complete(use_memory(ours, number))
        loop.close()
    _wait_until(lambda: max(counts()) <= FEW)
    assert len(connections._by_loop) <= 2


def test_asyncio_run_in_many_threads_leaves_no_connection(ours, counts):
    def run(number):
        for _ in range(10):
            asyncio.run(use_memory(ours, number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _wait_until(lambda: counts() == (0, 0))


def test_a_cancelled_call_leaves_no_connection(ours, counts):
    async def cancel():
        call = asyncio.ensure_future(use_memory(ours, 1))
        await asyncio.sleep(0.005)
        call.cancel()

    for _ in range(50):
        asyncio.run(cancel())
    _wait_until(lambda: counts() == (0, 0))


def test_a_loop_that_ends_while_postgres_is_away_ends_soon(settings, hot_store):
    url = SecretStr("postgresql://u:p@127.0.0.1:1/x")
    away = settings.model_copy(update={"postgres_url": url, "postgres_timeout_seconds": 60.0})

    async def write_and_recall():
        memory = AsyncMemoryClient("ana", settings=away)
        await memory.write("user", "I live in Porto.")
        return await memory.recall("Porto?")

    began = time.monotonic()
    for _ in range(5):
        assert asyncio.run(write_and_recall())
    assert time.monotonic() - began < 50.0, "less than the time for one connection"


def test_one_loop_keeps_its_connections_between_calls(ours, counts):
    async def call_twice():
        await use_memory(ours, 1)
        first = connections.get_async_connections(ours)
        await use_memory(ours, 2)
        return connections.get_async_connections(ours) is first

    assert asyncio.run(call_twice())


def test_a_client_per_thread_shares_the_connections_of_the_process(ours, counts):
    def run():
        memory = MemoryClient("ana", settings=ours)
        memory.write("user", "a turn")
        memory.facts()

    for _ in range(20):
        threads = [threading.Thread(target=run) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert counts()[0] <= 4
    close_connections()
    _wait_until(lambda: counts() == (0, 0))


def test_forked_processes_close_theirs(ours, counts):
    memory = MemoryClient("ana", settings=ours)
    memory.facts()

    def child():
        memory.write("user", "a turn")
        memory.facts()

    context = multiprocessing.get_context("fork")
    for _ in range(30):
        process = context.Process(target=child)
        process.start()
        process.join(20)
        assert process.exitcode == 0
    _wait_until(lambda: counts()[0] <= 1)
    assert memory.facts() == []
