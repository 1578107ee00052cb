"""The HTTP server of the model, in a thread of a test or in a separate process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from typing import Any

from harness.llm_server import control
from harness.llm_server.faults import Fault
from harness.llm_server.http import Connection, Reply, Request
from harness.llm_server.model import ScriptedModel
from harness.llm_server.recording import RecordedRequest


class LLMServer:
    """An OpenAI-compatible server in a thread: `with LLMServer() as server: server.base_url`."""

    def __init__(self, *, port: int = 0, host: str = "127.0.0.1", **options: Any) -> None:
        self.model = ScriptedModel(**options)
        self._host = host
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._listening: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        #: The number of clients that closed the connection before they had the whole answer.
        self.left = 0

    def __enter__(self) -> LLMServer:
        self.start()
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self.stop()
        self.model.recording.close()
        if error is None and self.model.errors:
            raise self.model.errors[0]

    @property
    def base_url(self) -> str:
        """The base URL as a user would set it."""
        return f"http://{self._host}:{self._port}{self.model.personality.base_path}"

    @property
    def requests(self) -> list[RecordedRequest]:
        """All requests so far, in order."""
        return self.model.recording.requests()

    def calls(self, kind: str) -> list[RecordedRequest]:
        """Return the requests of one kind: extract, summarize, embeddings, …"""
        return self.model.recording.requests(kind)

    def counts(self) -> dict[str, int]:
        """Return the number of requests of each kind."""
        return self.model.recording.counts()

    def queue(self, *answers: str | Mapping[str, Any], on: str = "*") -> None:
        """Answer the next calls of this kind with these answers, in order."""
        self.model.queue(*answers, on=on)

    def fail(self, what: str, **options: Any) -> None:
        """Activate a fault; the options are those of `faults.Fault`."""
        self.model.faults.add(Fault(what=what, **options))

    def heal(self, what: str | None = None) -> None:
        """Clear all faults, or those with one name, and answer the calls that `hold` has delayed."""
        self.model.faults.clear(what)
        if self._loop is not None and what in (None, "hold"):
            self._loop.call_soon_threadsafe(self._release)

    def forget(self) -> None:
        """Start a new recording."""
        self.model.recording.clear()

    def set_latency(self, seconds: float) -> None:
        """Delay the answer to every call by this time."""
        self.model.latency_seconds = seconds

    def start(self) -> None:
        """Start to listen; after `stop`, on the same port again."""
        ready = threading.Event()
        problems: list[OSError] = []
        self._thread = threading.Thread(target=self._run, args=(ready, problems), name="llm-server", daemon=True)
        self._thread.start()
        ready.wait()
        if problems:
            self._thread.join()
            raise problems[0]

    def stop(self) -> None:
        """Close all connections and stop listening, like a server that is down."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        self._loop = self._thread = None

    def serve_forever(self, ready: Callable[[], None]) -> None:
        """Serve in this thread until the loop is stopped; `ready` is called once the port is known."""
        loop = self._loop = asyncio.new_event_loop()
        try:
            self._listen(loop)
            ready()
            loop.run_forever()
        finally:
            loop.run_until_complete(self._hang_up())
            loop.close()

    def handle(self, request: Request, answer_later: Callable[[Reply], None]) -> Reply | None:
        if request.path.startswith("/control"):
            return control.handle(self, request)
        return self.model.handle(request, answer_later)

    def _run(self, ready: threading.Event, problems: list[OSError]) -> None:
        try:
            self.serve_forever(ready.set)
        except OSError as error:
            problems.append(error)
            ready.set()

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        create = loop.create_server(
            lambda: Connection(self.handle, self._connections, self._note_left), self._host, self._port
        )
        self._listening = loop.run_until_complete(create)
        self._port = self._listening.sockets[0].getsockname()[1]

    def _note_left(self) -> None:
        self.left += 1

    async def _hang_up(self) -> None:
        if self._listening is not None:
            self._listening.close()
        for connection in list(self._connections):
            connection.abort()
        # The transports close in the loop's next round.
        await asyncio.sleep(0)

    def _release(self) -> None:
        for answer, reply in self.model.release():
            answer(reply)
