"""Measure the HTTP API: `python -m bench.http [--json]`. Write and recall from 1 and 32 clients, the server's memory.

A real server process is called over HTTP by threads with one kept connection each. No worker runs meanwhile: the
memories that recall searches were made before.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psutil

from afterturn import MemoryClient
from afterturn.client import connections
from afterturn.local.stack import Stack
from afterturn.pipeline import prepare
from afterturn.settings import Settings
from api_shim.cli.processes import COMMANDS
from bench import report, timing
from bench.progress import Progress
from bench.report import Line, Value
from harness import servers
from harness.pipeline import Pipeline

CLIENTS = (1, 32)
WARMUP_SECONDS = 1.0
USERS = 20
CITIES = ("Porto", "Lisbon", "Rome", "Oslo", "Lima", "Quito", "Kyoto", "Accra", "Turin", "Ghent")
#: Requests of a megabyte, after which the server's memory is read.
LARGE_REQUESTS = 1_000
_JSON = {"Content-Type": "application/json"}

LINES = (
    *(
        Line(name=f"{call}_{clients}_{name}", meaning=f"{call}, {clients} clients at once: {meaning}")
        for call in ("write", "recall")
        for clients in CLIENTS
        for name, meaning in (
            ("p50_ms", "the median of a request"),
            ("p95_ms", "95 of 100 requests are faster"),
            ("per_s", "requests per second"),
            ("error_share", "the share of requests without the expected status"),
        )
    ),
    Line(name="memory_before_mb", meaning="the server's resident memory before the large requests"),
    Line(name="memory_growth_mb", meaning=f"its growth after {LARGE_REQUESTS} requests of 1 MB", aim=50.0),
    Line(name="load_average", meaning="of the machine, at the end"),
)


@dataclass(slots=True)
class _Counts:
    """What the clients of one run saw."""

    milliseconds: list[float] = field(default_factory=list)
    errors: int = 0


#: Makes a request: method, path and body of the number of the request.
Request = Callable[[int], tuple[str, str, bytes | None]]


def main() -> None:
    report.run("The HTTP API", LINES, measured, _arguments())


def measured(arguments: argparse.Namespace) -> dict[str, object]:
    """Run the bench and return its figures."""
    figures: dict[str, object] = {}
    with Progress(is_shown=not arguments.json) as progress, _served(progress) as (address, server):
        for call, make, status in (("write", _make_write, 201), ("recall", _make_recall, 200)):
            for clients in CLIENTS:
                progress.begin(f"{call}, {clients} clients")
                _call(address, make, status, clients=clients, seconds=WARMUP_SECONDS)
                counts = _call(address, make, status, clients=clients, seconds=arguments.seconds)
                figures |= _figures(f"{call}_{clients}", counts, arguments.seconds)
        progress.begin("large requests")
        before = server.memory_info().rss
        figures["memory_before_mb"] = before / 1e6
        figures["large_error_share"] = _send_large(address, arguments.large_requests)
        figures["memory_growth_mb"] = (server.memory_info().rss - before) / 1e6
    figures["load_average"] = os.getloadavg()[0]
    return figures


@contextmanager
def _served(progress: Progress) -> Iterator[tuple[str, psutil.Process]]:
    """Start servers and the API, and make some memories. Yields the address and the process of the API."""
    with servers.directory() as directory, servers.pair(directory) as (redis_server, postgres):
        settings = servers.own_settings(
            redis_url=redis_server.url, postgres_url=postgres.url, embedder="hashing", batch_idle_seconds=0, api_port=0
        )
        prepare.prepare_database(postgres.url, settings)
        progress.begin("making memories")
        _remember(settings)
        with Stack(settings, data_dir=directory / "stack", commands=COMMANDS, names=("api",)) as stack:
            address = stack.address("api")
            yield address, _find_process(urlsplit(address).port)


def _remember(settings: Settings) -> None:
    with Pipeline(settings) as pipeline:
        for number in range(USERS):
            memory = MemoryClient(f"user-{number}", "chat", settings=settings)
            memory.write_many(
                {"role": "user", "content": f"I went to {city} in the year {2000 + year}.", "name": "Ana"}
                for year, city in enumerate(CITIES * 3)
            )
        pipeline.settle()
    connections.close_connections()


def _find_process(port: int | None) -> psutil.Process:
    listening = (found for found in psutil.net_connections("tcp") if found.status == psutil.CONN_LISTEN)
    return next(
        psutil.Process(found.pid) for found in listening if found.laddr and found.laddr.port == port and found.pid
    )


def _make_write(number: int) -> tuple[str, str, bytes | None]:
    turn = {"role": "user", "content": f"This is turn {number} of a conversation about the weather in the north."}
    path = f"/v1/users/writer-{number % 50}/sessions/chat/turns"
    return "POST", path, json.dumps({"turns": [turn]}).encode()


def _make_recall(number: int) -> tuple[str, str, bytes | None]:
    city = CITIES[number % len(CITIES)]
    path = f"/v1/users/user-{number % USERS}/sessions/other/memories?query=When+did+I+go+to+{city}&limit=10"
    return "GET", path, None


def _call(address: str, make: Request, status: int, *, clients: int, seconds: float) -> _Counts:
    """Let the clients send requests for some seconds."""
    numbers, counts = itertools.count(), [_Counts() for _ in range(clients)]
    deadline = time.monotonic() + seconds
    threads = [threading.Thread(target=_client, args=(address, make, status, numbers, one, deadline)) for one in counts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _Counts(
        milliseconds=[taken for one in counts for taken in one.milliseconds],
        errors=sum(one.errors for one in counts),
    )


def _client(address: str, make: Request, status: int, numbers: Iterator[int], counts: _Counts, deadline: float) -> None:
    parts = urlsplit(address)
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    while time.monotonic() < deadline:
        method, path, body = make(next(numbers))
        began = time.perf_counter()
        try:
            connection.request(method, path, body, _JSON if body else {})
            answer = connection.getresponse()
            answer.read()
            counts.errors += answer.status != status
        except (OSError, http.client.HTTPException):
            counts.errors += 1
            connection.close()
        counts.milliseconds.append(1_000 * (time.perf_counter() - began))
    connection.close()


def _figures(name: str, counts: _Counts, seconds: float) -> Mapping[str, Value]:
    requests = len(counts.milliseconds)
    return {
        f"{name}_p50_ms": timing.percentile(counts.milliseconds, 0.5),
        f"{name}_p95_ms": timing.percentile(counts.milliseconds, 0.95),
        f"{name}_per_s": requests / seconds,
        f"{name}_error_share": counts.errors / max(1, requests),
    }


def _send_large(address: str, count: int) -> float:
    """Send writes of a megabyte, of which nine of ten are refused. Return the share without the expected status."""
    turns = [{"role": "user", "content": "I said a lot. " * 17_000} for _ in range(4)]
    body = json.dumps({"turns": turns}).encode()
    refused = body.replace(b'"user"', b'"nobody"')
    parts, errors = urlsplit(address), 0
    assert parts.hostname is not None
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    for number in range(count):
        is_valid = number % 10 == 0
        path = f"/v1/users/large-{number}/sessions/chat/turns"
        connection.request("POST", path, body if is_valid else refused, _JSON)
        answer = connection.getresponse()
        answer.read()
        errors += answer.status != (201 if is_valid else 422)
    connection.close()
    return errors / count


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.http", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each figure is measured")
    parser.add_argument("--large-requests", type=int, default=LARGE_REQUESTS, help="requests of a megabyte")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


if __name__ == "__main__":
    main()
