"""Connections end with what used them: event loops, threads and forked processes."""

import asyncio
import multiprocessing
import threading
import time

import pytest
from pydantic import SecretStr

from afterturn.client import connections
from api_shim import AsyncMemoryClient, MemoryClient, close_connections

#: More than the server admits (max_connections is 200), and than a process may open files by default (1024).
CALLS = 500
#: What one process may have: a pool of four, and of Redis one per concurrent call.
FEW = 8


@pytest.fixture
def counts(settings, database, hot_store):
    """Return the connections of afterturn that Postgres and Redis have."""
    own = int(hot_store.info("clients")["connected_clients"])

    def count():
        row = database.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE application_name = 'afterturn' AND datname = current_database()"
        ).fetchone()
        return row[0], int(hot_store.info("clients")["connected_clients"]) - own

    # Of an earlier test: a loop that was closed, and a pool that is still closing.
    connections._abandon_closed_loops()
    close_connections()
    _wait_until(lambda: count()[0] == 0)
    return count


def _wait_until(is_true, seconds=10.0):
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
def test_asyncio_run_per_call_leaves_no_connection(settings, counts):
    most = (0, 0)
    for number in range(CALLS):
        assert asyncio.run(use_memory(settings, number))
        if number % 50 == 0:
            most = tuple(map(max, most, counts()))
    assert max(most) <= FEW
    _wait_until(lambda: counts()[0] == 0 and counts()[1] <= 1)
    assert len(connections._by_loop) <= 1


def test_a_loop_that_is_closed_without_shutting_down_leaves_its_connections_until_the_next_one(settings, counts):
    for number in range(50):
        loop = asyncio.new_event_loop()
        assert loop.run_until_complete(use_memory(settings, number))
        loop.close()
    _wait_until(lambda: max(counts()) <= FEW)
    assert len(connections._by_loop) <= 2


def test_asyncio_run_in_many_threads_leaves_no_connection(settings, counts):
    def run(number):
        for _ in range(10):
            asyncio.run(use_memory(settings, number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _wait_until(lambda: counts()[0] == 0)


def test_a_cancelled_call_leaves_no_connection(settings, counts):
    async def cancel():
        call = asyncio.ensure_future(use_memory(settings, 1))
        await asyncio.sleep(0.005)
        call.cancel()

    for _ in range(50):
        asyncio.run(cancel())
    _wait_until(lambda: counts()[0] == 0)


def test_a_loop_that_ends_while_postgres_is_away_ends_soon(settings, hot_store):
    away = settings.model_copy(update={"postgres_url": SecretStr("postgresql://u:p@127.0.0.1:1/x")})

    async def write_and_recall():
        memory = AsyncMemoryClient("ana", settings=away)
        await memory.write("user", "I live in Porto.")
        return await memory.recall("Porto?")

    began = time.monotonic()
    for _ in range(5):
        assert asyncio.run(write_and_recall())
    assert time.monotonic() - began < 5.0


def test_one_loop_keeps_its_connections_between_calls(settings, counts):
    async def call_twice():
        await use_memory(settings, 1)
        first = connections.get_async_connections(settings)
        await use_memory(settings, 2)
        return connections.get_async_connections(settings) is first

    assert asyncio.run(call_twice())


def test_a_client_per_thread_shares_the_connections_of_the_process(settings, counts):
    def run():
        memory = MemoryClient("ana", settings=settings)
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
    _wait_until(lambda: counts()[0] == 0)


def test_forked_processes_close_theirs(settings, counts):
    memory = MemoryClient("ana", settings=settings)
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
