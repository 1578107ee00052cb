"""An endpoint that sends exactly the bytes that a test gives it, and keeps the bytes that it received."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

#: What an answer consists of: bytes to send, seconds to wait, or an event to wait for.
Step: TypeAlias = bytes | float | threading.Event

_POLL_SECONDS = 0.01
#: An event that is not set by then never will be.
_EVENT_SECONDS = 120.0


@dataclass(slots=True)
class Received:
    """One request as it arrived."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes
    #: Whether the client closed the connection before the answer was complete.
    is_left: bool = False
    done: threading.Event = field(default_factory=threading.Event)

    def header(self, name: str) -> str | None:
        """Return the value of a header, or None."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class RawEndpoint:
    """`with RawEndpoint() as endpoint: endpoint.answer(b"HTTP/1.1 200 OK\\r\\n…", 0.5, b"…")`.

    The answer is repeated for all requests until another one is given. `queue` gives answers to single requests. After
    an answer the connection is closed, unless `keeps_open`.
    """

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._steps: Sequence[Step] = ()
        self._queued: list[Sequence[Step]] = []
        self._make: Callable[[Received], Sequence[Step]] | None = None
        self.keeps_open = False
        self.requests: list[Received] = []

    def __enter__(self) -> RawEndpoint:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}/v1"

    def answer(self, *steps: Step) -> None:
        """Answer all requests so."""
        self._steps, self._make = steps, None

    def answer_with(self, make: Callable[[Received], Sequence[Step]]) -> None:
        """Answer each request with what the function returns for it."""
        self._make = make

    def queue(self, *steps: Step) -> None:
        """Answer the next request that has no queued answer yet so."""
        self._queued.append(steps)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (request := _read_request(connection)) is not None:
                self.requests.append(request)
                steps = self._queued.pop(0) if self._queued else self._make(request) if self._make else self._steps
                try:
                    is_sent = all(_take(connection, step, request) for step in steps)
                except OSError:
                    request.is_left, is_sent = True, False
                request.done.set()
                if not is_sent or not self.keeps_open:
                    return


def _take(connection: socket.socket, step: Step, request: Received) -> bool:
    """Send bytes, or wait; return False if the client left meanwhile."""
    if isinstance(step, bytes):
        connection.sendall(step)
        return True
    if isinstance(step, threading.Event):
        return step.wait(_EVENT_SECONDS)
    ends = time.monotonic() + step
    connection.settimeout(_POLL_SECONDS)
    try:
        while time.monotonic() < ends:
            try:
                if connection.recv(1, socket.MSG_PEEK) == b"":
                    request.is_left = True
                    return False
            except TimeoutError:
                continue
            time.sleep(_POLL_SECONDS)
    finally:
        connection.settimeout(None)
    return True


def _read_request(connection: socket.socket) -> Received | None:
    received = b""
    while b"\r\n\r\n" not in received:
        if not (part := connection.recv(65_536)):
            return None
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    line, *rest = head.decode("latin-1").split("\r\n")
    headers = [(name, value.strip()) for name, _, value in (each.partition(":") for each in rest)]
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    while len(body) < length:
        if not (part := connection.recv(65_536)):
            return None
        body += part
    return Received(line, headers, body)
