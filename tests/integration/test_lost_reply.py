"""A proxy drops one reply of Redis. The client repeats the write, and one turn is stored."""

import socket
import socketserver
import threading

import pytest

from api_shim import MemoryClient


class Swallowing(socketserver.ThreadingTCPServer):
    """Passes everything on to Redis; closes the client's connection instead of giving the first reply to EVALSHA."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, redis_port: int) -> None:
        self.redis_port = redis_port
        self.swallowed = 0
        super().__init__(("127.0.0.1", 0), Passing)


class Passing(socketserver.BaseRequestHandler):
    server: Swallowing

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.redis_port)) as upstream:
            while asked := self.request.recv(65_536):
                upstream.sendall(asked)
                answered = upstream.recv(65_536)
                if b"EVALSHA" in asked and not self.server.swallowed and not answered.startswith(b"-NOSCRIPT"):
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
    assert hot_store.xlen(memory._session.pending_key) == 1
    assert [turn.turn_id for turn in memory.history()] == [turn_id]
    pipeline.settle()
    rows = database.execute("SELECT turn_id FROM turns WHERE user_id = 'ana'").fetchall()
    assert rows == [(turn_id,)]
