"""The limits of a request's body: its size and the time that it takes.

A body that is too large is refused before it is read, and before the caller is known. An answer that is sent before the
whole body was read ends the connection; until then a little more of the body is read and dropped, because many clients
read no answer before they have sent their body.
"""

from __future__ import annotations

import asyncio
import contextlib

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api_shim.http import problems

#: How long a body may take. Longer: slow senders hold more connections. Shorter: large bodies fail on slow lines (8 MiB
#: in 20 seconds are 3.4 Mbit/s).
BODY_SECONDS = 20.0
#: How long, and how many bytes of, a body is read and dropped after its answer.
LINGER_SECONDS = 1.0
LINGER_BYTES = 16_777_216

_CLOSE = (b"connection", b"close")


class BodyLimits:
    """ASGI middleware that answers 413 to bodies that are too large, and 408 to bodies that take too long."""

    def __init__(self, app: ASGIApp, *, limit_bytes: int, seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._limit_bytes = limit_bytes
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, limit_bytes=self._limit_bytes, seconds=self._seconds)
        if exchange.declared_bytes > self._limit_bytes:
            refusal = problems.make_response(413, _too_large(self._limit_bytes))
            await refusal(scope, exchange.receive, exchange.send)
        else:
            await self._app(scope, exchange.receive, exchange.send)


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, limit_bytes: int, seconds: float) -> None:
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        #: The size that the request announces; 0 if it announces none.
        self.declared_bytes = int(length) if length.isascii() and length.isdigit() else 0
        self._has_body = self.declared_bytes > 0 or "transfer-encoding" in headers
        self._receive = receive
        self._send = send
        self._limit_bytes = limit_bytes
        self._seconds = seconds
        self._deadline: float | None = None
        self._read_bytes = 0

    async def receive(self) -> Message:
        """Return the next part of the body. Raises HTTPException when it is too large or late."""
        if not self._has_body:
            return await self._receive()
        now = asyncio.get_running_loop().time()
        self._deadline = self._deadline or now + self._seconds
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._deadline - now))
        except TimeoutError:
            raise HTTPException(408, f"the body did not arrive within {self._seconds:g} seconds") from None
        self._note(message)
        if self._read_bytes > self._limit_bytes:
            raise HTTPException(413, _too_large(self._limit_bytes))
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the answer. If the body was not read to its end, the connection is closed after the answer."""
        if self._has_body and message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), _CLOSE]}
        elif self._has_body and message["type"] == "http.response.body" and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._linger()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _linger(self) -> None:
        last = self._read_bytes + LINGER_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while self._has_body and self._read_bytes < last:
                    self._note(await self._receive())

    def _note(self, message: Message) -> None:
        self._read_bytes += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._has_body = False


def _too_large(limit_bytes: int) -> str:
    return f"the body is larger than AFTERTURN_API_BODY_LIMIT_BYTES ({limit_bytes})"
