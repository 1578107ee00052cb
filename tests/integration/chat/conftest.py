"""The API with an endpoint that sends the bytes of the test, and real servers."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

import httpx
import pytest
import redis
import uvicorn

from afterturn import MemoryClient
from afterturn.settings import Settings
from api_shim.http.app import create_app
from api_shim.http.protocol import DeadlineProtocol
from harness.raw_endpoint import RawEndpoint

Turns: TypeAlias = list[tuple[str, str]]


@pytest.fixture
def endpoint() -> Iterator[RawEndpoint]:
    with RawEndpoint() as opened:
        opened.answer(whole_answer("Hello!"))
        yield opened


@pytest.fixture
def serve(settings: Settings, hot_store: redis.Redis, endpoint: RawEndpoint) -> Iterator[Callable[..., str]]:
    """A function that serves the API with these settings, and returns its base URL for OpenAI's clients."""
    with contextlib.ExitStack() as opened:

        def start(**changed: object) -> str:
            # A machine that others use too is slow; the deadline has tests of its own.
            usual = {"chat_upstream_url": endpoint.base_url, "chat_memory_seconds": 2.0}
            given = settings.model_dump(exclude_unset=True) | usual | changed
            return opened.enter_context(serving(type(settings)(**given)))

        yield start


@contextlib.contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """Serve the API in a thread."""
    config = uvicorn.Config(
        create_app(settings), http=DeadlineProtocol, server_header=False, log_level="warning", lifespan="on"
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def base_url(serve: Callable[..., str]) -> str:
    return serve()


@pytest.fixture
def http(base_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base_url, timeout=60) as client:
        yield client


def whole_answer(content: object = "Hello!", **message: object) -> bytes:
    """Return an answer that is no stream, with its head."""
    body = json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": content} | message,
                    "finish_reason": "stop",
                }
            ],
        }
    ).encode()
    return http_answer(body)


def http_answer(body: bytes, status: str = "200 OK", *headers: str, kind: str = "application/json") -> bytes:
    """Return an answer with a length."""
    head = [f"HTTP/1.1 {status}", f"content-type: {kind}", f"content-length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def stream_head(*headers: str) -> bytes:
    """Return the head of a stream that ends with the connection."""
    return "\r\n".join(["HTTP/1.1 200 OK", "content-type: text/event-stream", *headers]).encode() + b"\r\n\r\n"


def chunk(delta: object, index: int = 0, **fields: object) -> bytes:
    """Return one event of a stream."""
    event = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + json.dumps(event | {"choices": [{"index": index, "delta": delta}]} | fields).encode() + b"\n\n"


def wait_for_turns(memory: MemoryClient, wanted: int | Turns, seconds: float = 30.0) -> Turns:
    """Return role and content of the session's turns as soon as they are those, or so many."""
    ends = time.monotonic() + seconds
    while True:
        turns = [(turn.role, turn.content) for turn in memory.history(1_000)]
        if wanted in (turns, len(turns)) or time.monotonic() > ends:
            return turns
        time.sleep(0.02)
