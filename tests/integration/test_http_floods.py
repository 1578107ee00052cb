"""Floods against a real server: half-open requests, huge bodies, JSON bombs, parameters, headers."""

from __future__ import annotations

import contextlib
import json
import select
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest

from afterturn import settings as settings_module
from afterturn.local.stack import Stack
from api_shim.cli.processes import COMMANDS
from harness import servers
from tests.conftest import QUICK

#: Before each test, the servers are empty.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("settings")]

BASE = "/v1/users/ana/sessions/chat"
#: How much the server's memory may grow.
GROWTH_BYTES = 50 * 1024 * 1024
#: How much processor time the server may need for one request. It needs about a second at most.
WORK_SECONDS = 10.0
JSON = {"Content-Type": "application/json"}


class Server:
    """An API in a process of its own."""

    def __init__(self, address: str, process: psutil.Process) -> None:
        self.address = address
        self._process = process

    def memory(self) -> int:
        """Return the resident memory of the process and its children, in bytes."""
        return sum(one.memory_info().rss for one in [self._process, *self._process.children(recursive=True)])

    @contextlib.contextmanager
    def works_little(self, limit_seconds: float = WORK_SECONDS) -> Iterator[None]:
        """Check the processor time that the server needs meanwhile, which others on the machine do not change."""
        before = self._process.cpu_times()
        yield
        after = self._process.cpu_times()
        assert after.user + after.system - before.user - before.system < limit_seconds

    def connect(self) -> socket.socket:
        parts = httpx.URL(self.address)
        return socket.create_connection((parts.host, parts.port), timeout=120)

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.address, timeout=120)


@pytest.fixture(scope="module")
def server(redis_server, postgres_server, login_url, tmp_path_factory):
    """An API for all tests here. It has answered some requests, so that all its modules are loaded."""
    addresses = {"AFTERTURN_REDIS_URL": redis_server.url, "AFTERTURN_POSTGRES_URL": login_url}
    given = settings_module.load(QUICK | addresses | {"AFTERTURN_API_PORT": "0"})
    # With a key that another test left, it would require one.
    servers.empty(given, postgres_server.url)
    with Stack(given, data_dir=tmp_path_factory.mktemp("floods"), commands=COMMANDS, names=("api",)) as stack:
        address = stack.address("api")
        port = httpx.URL(address).port
        [process_id] = {
            connection.pid
            for connection in psutil.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid
        }
        opened = Server(address, psutil.Process(process_id))
        with opened.client() as client:
            for _ in range(20):
                write(client, "x" * 1_000)
                client.get(f"{BASE}/memories", params={"query": "x"})
                client.post(f"{BASE}/recall", content=b"{", headers=JSON)
                client.get("/openapi.json")
        yield opened


def write(client: httpx.Client, content: str, session: str = "chat") -> httpx.Response:
    body = {"turns": [{"role": "user", "content": content}]}
    return client.post(f"/v1/users/ana/sessions/{session}/turns", json=body)


def test_900_half_open_requests_do_not_keep_others_waiting(server):
    before = server.memory()
    opened = []
    try:
        for number in range(900):
            connection = server.connect()
            lines = f"POST {BASE}/turns HTTP/1.1\r\nHost: localhost\r\nX-{number}: " if number % 2 else "G"
            connection.sendall(lines.encode())
            opened.append(connection)
        with server.client() as client:
            assert write(client, "hello").status_code == 201
            assert select.select([opened[-1]], [], [], 0)[0] == [], "it is still open"
            for _ in range(20):
                assert write(client, "hello").status_code == 201
        assert server.memory() - before < GROWTH_BYTES
        # The server closes each of them by itself.
        for connection in opened:
            assert connection.recv(10_000)[:12] in (b"", b"HTTP/1.1 408", b"HTTP/1.1 400")
    finally:
        for connection in opened:
            connection.close()


def test_slow_bodies_are_given_up(server):
    opened = []
    try:
        for _ in range(100):
            connection = server.connect()
            head = f"POST {BASE}/turns HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            connection.sendall(head.encode() + b"Content-Length: 1000\r\n\r\n{")
            opened.append(connection)
        with server.client() as client:
            assert write(client, "hello").status_code == 201
        for connection in opened:
            assert connection.recv(100).startswith(b"HTTP/1.1 408")
    finally:
        for connection in opened:
            connection.close()


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_body_of_600_megabytes_is_refused(server, is_announced):
    before = server.memory()
    piece = b"x" * 1_048_576

    def send() -> bytes:
        with server.connect() as connection:
            length = b"Content-Length: 629145600" if is_announced else b"Transfer-Encoding: chunked"
            connection.sendall(f"POST {BASE}/turns HTTP/1.1\r\nHost: localhost\r\n".encode() + length + b"\r\n\r\n")
            answer = b""
            with contextlib.suppress(OSError):
                for _ in range(600):
                    connection.sendall(piece if is_announced else b"100000\r\n" + piece + b"\r\n")
            with contextlib.suppress(OSError):
                answer = connection.recv(1_000)
            return answer

    with server.works_little(), ThreadPoolExecutor(4) as pool:
        answers = [future.result() for future in [pool.submit(send) for _ in range(4)]]
    assert all(answer == b"" or answer.startswith(b"HTTP/1.1 413") for answer in answers)
    assert server.memory() - before < GROWTH_BYTES
    with server.client() as client:
        assert write(client, "hello").status_code == 201


def _object(keys: int) -> bytes:
    return json.dumps({f"k{number}": 0 for number in range(keys)}).encode()


#: Each is made when its test runs.
BOMBS: dict[str, Callable[[], bytes]] = {
    "nested arrays": lambda: b"[" * 4_000_000,
    "nested arrays in a turn": lambda: _in_a_turn(b'"metadata": {"a": ' + b"[" * 900_000),
    "closed arrays": lambda: b'{"turns": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "nested objects": lambda: b'{"a":' * 600_000 + b"1" + b"}" * 600_000,
    "a number of a million digits": lambda: _in_a_turn(b'"metadata": {"n": ' + b"9" * 1_000_000 + b"}}]}"),
    "a large exponent": lambda: b'{"query": "x", "min_score": 1e999999999}',
    "a million keys": lambda: _object(500_000),
    "a million keys in a turn": lambda: b'{"turns": [' + _object(500_000) + b"]}",
    "a million keys in metadata": lambda: _in_a_turn(b'"metadata": ' + _object(400_000) + b"}]}"),
    "a million turns": lambda: b'{"turns": [' + b"{}," * 1_500_000 + b"{}]}",
    "a million strings": lambda: b'{"turns": [' + b'"",' * 1_500_000 + b'""]}',
    "a million kinds": lambda: b'{"query": "x", "kinds": [' + b'"fact",' * 900_000 + b'"fact"]}',
    "many escapes": lambda: b'{"query": "' + b"\\u0000" * 1_000_000 + b'"}',
}


def _in_a_turn(rest: bytes) -> bytes:
    return b'{"turns": [{"role": "user", "content": "x", ' + rest


@pytest.mark.parametrize("name", BOMBS)
def test_a_json_bomb_is_refused_in_time(server, name):
    bomb = BOMBS[name]()
    path = f"{BASE}/recall" if b'"query"' in bomb[:20] else f"{BASE}/turns"
    before = server.memory()
    with server.client() as client:
        for _ in range(3):
            with server.works_little():
                answer = client.post(path, content=bomb, headers=JSON)
            assert answer.status_code in (413, 422), answer.text[:300]
            assert answer.headers["content-type"] == "application/problem+json" and len(answer.content) < 5_000
        assert write(client, "hello").status_code == 201
    assert server.memory() - before < GROWTH_BYTES, (server.memory() - before) / 1e6


def test_100_000_query_parameters_are_refused_in_time(server):
    before = server.memory()
    with server.connect() as connection:
        query = "&".join(f"p{number}=1" for number in range(100_000))
        with server.works_little():
            with contextlib.suppress(OSError):
                connection.sendall(f"GET {BASE}/memories?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            answer = connection.recv(1_000)
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 414", b"HTTP/1.1 422", b"HTTP/1.1 431"))
    with server.client() as client:
        for names in ("&".join(f"p{n}=1" for n in range(8_000)), "&".join("limit=1" for _ in range(7_000))):
            with server.works_little():
                refused = client.get(f"{BASE}/memories?{names}")
            assert refused.status_code in (400, 414, 422)
            assert len(refused.content) < 5_000
    assert server.memory() - before < GROWTH_BYTES


def test_many_and_large_headers_are_refused_in_time(server):
    before = server.memory()
    for lines in (
        b"".join(b"X-%d: y\r\n" % number for number in range(100_000)),
        b"X: " + b"y" * 10_000_000 + b"\r\n",
        b"X: y\r\n" * 500_000,
    ):
        with server.connect() as connection, server.works_little():
            try:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + lines + b"\r\n")
                answer = connection.recv(1_000)
            except OSError:
                answer = b""
            assert answer == b"" or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431")), answer
    assert server.memory() - before < GROWTH_BYTES


def test_memory_after_1000_requests_of_a_megabyte(server):
    content = "I said a lot. " * 17_000  # a turn is smaller than AFTERTURN_TURN_LIMIT_BYTES
    body = {"turns": [{"role": "user", "content": content} for _ in range(4)]}
    payload = json.dumps(body).encode()
    assert 900_000 < len(payload) < 1_100_000
    invalid = payload.replace(b'"user"', b'"nobody"')
    before = server.memory()
    with server.client() as client:
        statuses = set()
        for number in range(1_000):
            is_written = number % 20 == 0
            path = f"/v1/users/user-{number}/sessions/s/turns"
            statuses.add(client.post(path, content=payload if is_written else invalid, headers=JSON).status_code)
    assert statuses <= {201, 422}
    assert server.memory() - before < GROWTH_BYTES


def test_a_bomb_in_an_upload_is_refused_in_time(server):
    before = server.memory()
    with server.client() as client:
        for body in (
            _object(500_000),
            b"[" * 4_000_000,
            b"\n" * 7_000_000,
            b"{}\n" * 2_000_000,
            b'"' + b'\\"' * 3_000_000,
        ):
            # Two million lines are read, and each is refused.
            with server.works_little(60.0):
                answer = client.post("/v1/users/ana/imports", content=body)
            assert answer.status_code in (202, 422)
            assert len(answer.content) < 5_000
    assert server.memory() - before < GROWTH_BYTES
