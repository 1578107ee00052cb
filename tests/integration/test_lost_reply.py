"""A reply of Redis is lost or late. The client repeats the write, and one turn is stored."""

import asyncio
import socket
import socketserver
import threading

import pytest

from api_shim import AsyncMemoryClient, MemoryClient, close_async_connections


class Swallowing(socketserver.ThreadingTCPServer):
    """Passes everything on to Redis; closes the client's connection instead of giving the first reply to EVALSHA."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, redis_port: int) -> None:
        self.redis_port = redis_port
        self.swallowed = 0
        #: The reply to a request that contains this is swallowed.
        self.marker = b"EVALSHA"
        super().__init__(("127.0.0.1", 0), Passing)


class Passing(socketserver.BaseRequestHandler):
    server: Swallowing

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.redis_port)) as upstream:
            while asked := self.request.recv(65_536):
                upstream.sendall(asked)
                answered = upstream.recv(65_536)
                if self.server.marker in asked and not self.server.swallowed and not answered.startswith(b"-NOSCRIPT"):
                    self.server.swallowed += 1
                    return
                self.request.sendall(answered)


@pytest.fixture
def proxy(redis_server):
    with Swallowing(redis_server.port) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_write_whose_reply_is_lost_stores_one_turn(settings, pipeline, database, redis_server, proxy, hot_store):
    MemoryClient("somebody", settings=settings).write("user", "teaches Redis the script")
    port = proxy.server_address[1]
    behind = settings.model_copy(update={"redis_url": settings.redis_url.replace(f":{redis_server.port}", f":{port}")})
    turn_id = MemoryClient("ana", settings=behind).write("user", "Once, please.")
    assert proxy.swallowed == 1
    memory = MemoryClient("ana", settings=settings)
    assert hot_store.xlen(memory._session.pending_key) == 2
    assert [turn.turn_id for turn in memory.history()] == [turn_id]
    pipeline.settle()
    rows = database.execute("SELECT turn_id FROM turns WHERE user_id = 'ana'").fetchall()
    assert rows == [(turn_id,)]


def write_to(settings, turns, between=lambda: None):
    """Write a turn, which opens the connection, then call `between`, then write the turns. Returns their ids."""
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write("user", "The first call opens the connection.")
    between()
    return memory.write_many(turns)


def write_async_to(settings, turns, between=lambda: None):
    async def write():
        try:
            memory = AsyncMemoryClient("ana", "chat", settings=settings)
            await memory.write("user", "The first call opens the connection.")
            between()
            return await memory.write_many(turns)
        finally:
            await close_async_connections()

    return asyncio.run(write())


#: They fill more than half of the limit: a second time they would exceed it.
TURNS = [{"role": "user", "content": "x" * 2_000} for _ in range(20)]


@pytest.mark.parametrize("write", [write_to, write_async_to])
def test_a_repeated_write_is_not_refused_for_the_room_that_its_first_attempt_took(
    settings, pipeline, database, redis_server, proxy, hot_store, write
):
    MemoryClient("somebody", settings=settings).write("user", "teaches Redis the script")
    port = proxy.server_address[1]
    url = settings.redis_url.replace(f":{redis_server.port}", f":{port}")
    behind = settings.model_copy(update={"redis_url": url, "pending_limit_bytes_per_shard": 65_536})
    proxy.marker = b"xxxxxxxx"
    turn_ids = write(behind, TURNS)
    assert proxy.swallowed == 1
    pipeline.settle()
    rows = database.execute("SELECT turn_id FROM turns WHERE user_id = 'ana' ORDER BY position").fetchall()
    assert [row[0] for row in rows][1:] == turn_ids


@pytest.mark.parametrize("write", [write_to, write_async_to])
def test_a_write_to_a_redis_that_pauses_is_stored_once_and_acknowledged(settings, pipeline, database, hot_store, write):
    small = settings.model_copy(update={"pending_limit_bytes_per_shard": 65_536})
    turn_ids = write(small, TURNS, lambda: hot_store.execute_command("CLIENT", "PAUSE", 900))
    pipeline.settle()
    rows = database.execute("SELECT turn_id FROM turns WHERE user_id = 'ana' ORDER BY position").fetchall()
    assert [row[0] for row in rows][1:] == turn_ids
