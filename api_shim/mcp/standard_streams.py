"""Standard input and output as a connection of MCP: one JSON-RPC message per line.

The library's own transport waits for the end of a read that a signal cannot end, and drops the answers of requests
that are running when the input ends. Here threads that nobody waits for read and write, and the end of the input is
passed on when all requests are answered.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import queue
import sys
import threading
from collections.abc import AsyncIterator, Callable

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import (
    INVALID_REQUEST,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)

from api_shim.mcp import messages
from api_shim.mcp.messages import Unreadable

#: How long requests may run after the end of the input.
DRAIN_SECONDS = 30.0
_CHUNK_BYTES = 65_536


class StandardStreams:
    """The two streams of a connection, for `MemoryServer.run_on`, and the task `relay` that connects them."""

    def __init__(self, source: int, sink: int, *, limit_bytes: int) -> None:
        """Create it. Use it in the event loop in which it is created.

        Args:
            source: the descriptor that is read.
            sink: the descriptor that is written.
            limit_bytes: the largest message; what is longer is refused, and skipped.
        """
        self._lines = _Lines(source, limit_bytes)
        self._sink = _Sink(sink)
        self._in: MemoryObjectSendStream[SessionMessage | Exception]
        self._out: MemoryObjectReceiveStream[SessionMessage]
        self.read: MemoryObjectReceiveStream[SessionMessage | Exception]
        self.write: MemoryObjectSendStream[SessionMessage]
        self._in, self.read = anyio.create_memory_object_stream(0)
        self.write, self._out = anyio.create_memory_object_stream(0)
        self._running: set[str | int] = set()
        self._answered = anyio.Event()

    async def relay(self) -> None:
        """Pass messages on until the input has ended and all its requests are answered, or nobody reads the output."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._read)
            await self._write()
            tasks.cancel_scope.cancel()

    async def _read(self) -> None:
        async with self._in:
            # A server that has ended, or a client that is gone: then nothing else is to be read.
            with contextlib.suppress(BrokenPipeError, anyio.BrokenResourceError):
                async for line in self._lines.read():
                    await self._receive(line)
            with anyio.move_on_after(DRAIN_SECONDS):
                while self._running:
                    self._answered = anyio.Event()
                    await self._answered.wait()

    async def _receive(self, line: bytes | None) -> None:
        """Pass on one message. None: it was too large."""
        try:
            if line is None:
                raise Unreadable(INVALID_REQUEST, "the message is too large")
            if not line.strip():
                return
            message, _ = messages.read(line)
        except Unreadable as error:
            await self._sink.write(messages.encode(error.answer) + b"\n")
            return
        if isinstance(message, JSONRPCRequest):
            self._running.add(message.id)
        elif isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            # It may be answered, or not.
            self._end(dict(message.params or {}).get("requestId"))
        await self._in.send(SessionMessage(message))

    async def _write(self) -> None:
        async with self._out:
            with contextlib.suppress(BrokenPipeError):
                async for item in self._out:
                    await self._sink.write(_encode(item.message))
                    if isinstance(item.message, JSONRPCResponse | JSONRPCError):
                        self._end(item.message.id)

    def _end(self, request_id: object) -> None:
        self._running = {running for running in self._running if running != request_id}
        self._answered.set()


def _encode(message: JSONRPCMessage) -> bytes:
    return message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"


class _Lines:
    """The lines of a descriptor, read by a thread. Nothing waits for the thread when the process ends."""

    def __init__(self, source: int, limit_bytes: int) -> None:
        self._source = source
        self._limit_bytes = limit_bytes
        self._buffer = bytearray()
        self._is_skipping = False

    async def read(self) -> AsyncIterator[bytes | None]:
        """Yield lines; None for one that is too long."""
        loop = asyncio.get_running_loop()
        chunks: asyncio.Queue[bytes] = asyncio.Queue(1)

        def read_all() -> None:
            chunk = b"-"
            while chunk:
                try:
                    chunk = os.read(self._source, _CHUNK_BYTES)
                except OSError:
                    chunk = b""
                put = chunks.put(chunk)
                try:
                    asyncio.run_coroutine_threadsafe(put, loop).result()
                except (RuntimeError, concurrent.futures.CancelledError):
                    # The event loop has ended.
                    put.close()
                    return

        _start_thread(read_all, "mcp-input")
        while chunk := await chunks.get():
            for line in self._split(chunk):
                yield line
        if self._buffer and not self._is_skipping:
            yield bytes(self._buffer)

    def _split(self, chunk: bytes) -> list[bytes | None]:
        *ended, rest = chunk.split(b"\n")
        lines: list[bytes | None] = []
        for part in ended:
            self._buffer += part
            lines.append(None if self._is_skipping or len(self._buffer) > self._limit_bytes else bytes(self._buffer))
            self._buffer.clear()
            self._is_skipping = False
        if not self._is_skipping:
            self._buffer += rest
        if len(self._buffer) > self._limit_bytes:
            self._buffer.clear()
            self._is_skipping = True
        return lines


class _Sink:
    """A descriptor, written by a thread, so that a client that does not read stops nothing but its own answers."""

    def __init__(self, sink: int) -> None:
        self._sink = sink
        self._waiting: queue.SimpleQueue[tuple[bytes, concurrent.futures.Future[None]]] = queue.SimpleQueue()
        _start_thread(self._write_all, "mcp-output")

    async def write(self, data: bytes) -> None:
        """Write, and return when all is written. Raises BrokenPipeError if nobody reads any more."""
        written: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._waiting.put((data, written))
        await asyncio.wrap_future(written)

    def _write_all(self) -> None:
        while True:
            data, written = self._waiting.get()
            if not written.set_running_or_notify_cancel():
                continue
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(self._sink, view) :]
            except OSError as error:
                written.set_exception(BrokenPipeError(error.errno, "the output is closed"))
            else:
                written.set_result(None)


def _start_thread(target: Callable[[], None], name: str) -> None:
    threading.Thread(target=target, name=name, daemon=True).start()


def take_standard_streams() -> tuple[int, int]:
    """Return descriptors of standard input and output, which are then no longer those of the process.

    What any library prints goes to standard error, and what a child reads is empty.
    """
    sys.stdout.flush()
    source, sink = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return source, sink
