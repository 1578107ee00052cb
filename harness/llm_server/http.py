"""A small HTTP/1.1 server on asyncio, with keep-alive and bodies with a length. It starts no task per request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error"}


@dataclass(frozen=True, slots=True)
class Request:
    """A received request."""

    method: str
    #: Without the query.
    path: str
    query: str
    #: Names in lower case.
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Reply:
    """The reply to a request, and how to send it."""

    status: int = 200
    body: bytes = b"{}"
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    #: send; close (close the connection without an answer); hang (never answer); drip (send blanks without end). Or
    #: send half of the body, and then: break (close the connection), stall (nothing more), ping (comments without end).
    manner: str = "send"
    delay_seconds: float = 0.0

    def encode(self) -> bytes:
        return self._head(f"content-length: {len(self.body)}") + self.body

    def encode_half(self) -> bytes:
        """Return the head, without a content length, and the first half of the body."""
        return self._head("connection: close") + self.body[: len(self.body) // 2]

    def _head(self, length: str) -> bytes:
        lines = [
            f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Status')}",
            f"content-type: {self.content_type}",
            length,
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


#: It answers a request, or returns None and calls the callback with the reply later.
Handler = Callable[[Request, Callable[[Reply], None]], Reply | None]


class Connection(asyncio.Protocol):
    """The connection of one client. It answers the requests one after the other."""

    def __init__(self, handler: Handler, connections: set[Connection], on_left: Callable[[], None]) -> None:
        """`on_left` is called when the client closes the connection before it has the whole answer."""
        self._handler = handler
        self._connections = connections
        self._on_left = on_left
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        if self._transport is not None and self._busy:
            self._on_left()
        self._transport = None
        self._connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._next()

    def abort(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def _next(self) -> None:
        if self._busy or (request := self._taken()) is None:
            return
        self._busy = True
        reply = self._handler(request, self._answer)
        if reply is not None:
            self._answer(reply)

    def _taken(self) -> Request | None:
        """Remove one whole request from the received bytes, and return it; None if it is incomplete."""
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return None
        first, *lines = self._received[:end].decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        size = int(headers.get("content-length", "0"))
        if len(self._received) < end + 4 + size:
            return None
        body = bytes(self._received[end + 4 : end + 4 + size])
        del self._received[: end + 4 + size]
        method, target, _ = first.split(" ", 2)
        path, _, query = target.partition("?")
        return Request(method, path, query, headers, body)

    def _answer(self, reply: Reply) -> None:
        if reply.delay_seconds > 0:
            self._timer = self._loop.call_later(reply.delay_seconds, self._send, reply)
        else:
            self._send(reply)

    def _send(self, reply: Reply) -> None:
        if self._transport is None:
            return
        match reply.manner:
            case "close":
                self.abort()
            case "hang":
                pass
            case "drip":
                self._transport.write(reply.encode()[: -len(reply.body)].replace(b"content-length: ", b"x-length: "))
                self._drip(b" ")
            case "break":
                self._transport.write(reply.encode_half())
                self._transport.close()
                self._transport = None
            case "stall":
                self._transport.write(reply.encode_half())
            case "ping":
                half = reply.encode_half()
                self._transport.write(half[: half.rfind(b"\n\n") + 2])
                self._drip(b": ping\n\n")
            case _:
                self._transport.write(reply.encode())
                self._busy = False
                self._next()

    def _drip(self, drop: bytes) -> None:
        if self._transport is not None:
            self._transport.write(drop)
            self._timer = self._loop.call_later(0.02, self._drip, drop)
