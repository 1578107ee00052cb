"""The connections of the hot path: reused without a look, and never with an old answer in them."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from afterturn import MemoryClient, MemoryUnavailable, close_connections
from afterturn.client import attempts, connections, write_connections


@pytest.fixture
def memory(settings):
    return MemoryClient("ana", settings=settings)


def texts(memory):
    return [turn.content for turn in memory.history(1_000)]


def connections_received(hot_store):
    return hot_store.info("stats")["total_connections_received"]


def hang_up(hot_store):
    """Let Redis close all connections but the caller's."""
    hot_store.client_kill_filter(_type="normal", skipme=True)


def test_one_connection_serves_all_writes_of_a_thread(memory, hot_store):
    memory.write("user", "first")
    before = connections_received(hot_store)
    for number in range(20):
        memory.write("user", str(number))
    assert connections_received(hot_store) == before


def test_threads_do_not_share_a_connection_at_a_time(memory, hot_store):
    begin = threading.Barrier(8)

    def write(number):
        begin.wait()
        return [memory.write("user", f"{number}/{turn}") for turn in range(25)]

    with ThreadPoolExecutor(8) as threads:
        written = [turn_id for ids in threads.map(write, range(8)) for turn_id in ids]
    assert sorted(turn.turn_id for turn in memory.history(1_000)) == sorted(written)
    assert len(connections.of_process(memory._session.settings).writes._free) <= 8


def test_a_connection_that_the_server_closed_costs_one_attempt(memory, hot_store):
    memory.write("user", "before")
    hang_up(hot_store)
    memory.write("user", "after")
    assert texts(memory) == ["before", "after"]


def test_after_a_while_it_is_found_out_before_anything_is_sent(memory, hot_store, monkeypatch):
    monkeypatch.setattr(attempts, "RETRIES", 0)
    memory.write("user", "before")
    hang_up(hot_store)
    with pytest.raises(MemoryUnavailable):
        memory.write("user", "the only attempt fails")
    memory.write("user", "after")
    hang_up(hot_store)
    monkeypatch.setattr(write_connections, "IDLE_SECONDS", -1.0)
    memory.write("user", "after a while")
    assert texts(memory) == ["before", "after", "after a while"]


def test_who_is_interrupted_leaves_no_answer_behind(memory, hot_store, monkeypatch):
    memory.write("user", "one")
    exchange = write_connections._exchange

    def interrupted(connection, command):
        monkeypatch.setattr(write_connections, "_exchange", exchange)
        connection.send_packed_command(command)
        raise KeyboardInterrupt

    monkeypatch.setattr(write_connections, "_exchange", interrupted)
    with pytest.raises(KeyboardInterrupt):
        memory.write("user", "two", metadata={"padding": "x" * 1_000})
    shard_bytes = []
    monkeypatch.setattr(memory._session, "note_pending", shard_bytes.append)
    memory.write("user", "three")
    # The answer is that of the third write, which counts the bytes of all.
    [key] = hot_store.keys("at:*:bytes")
    assert shard_bytes == [int(hot_store.get(key))]
    assert texts(memory)[-1] == "three"


def test_failures_use_up_no_connections(settings, hot_store, monkeypatch):
    scarce = settings.model_copy(update={"redis_url": f"{settings.redis_url}?max_connections=2"})
    memory = MemoryClient("ana", settings=scarce)
    exchange = write_connections._exchange

    def fails(connection, command):
        raise RedisConnectionError

    monkeypatch.setattr(write_connections, "_exchange", fails)
    for _ in range(3):
        with pytest.raises(MemoryUnavailable):
            memory.write("user", "lost")
    monkeypatch.setattr(write_connections, "_exchange", exchange)
    memory.write("user", "written")
    assert texts(memory) == ["written"]


def test_closed_connections_are_opened_again(memory, hot_store):
    memory.write("user", "one")
    close_connections()
    memory.write("user", "two")
    assert texts(memory) == ["one", "two"]
