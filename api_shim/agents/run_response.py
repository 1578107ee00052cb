"""The answer of an agent as an ASGI response: one JSON object, or a stream of events."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from afterturn.errors import AfterturnError
from api_shim.agents.run import Completed, Report, Run, RunEvent, Started
from api_shim.agents.service import AgentService
from api_shim.http.leaving import run_until_left

logger = logging.getLogger(__name__)

_STREAM_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    # A reverse proxy that collects the events delivers them all at the end.
    (b"x-accel-buffering", b"no"),
]


class RunResponse(Response):
    """Runs an agent, and answers. A client that leaves ends the run at once.

    An error before the first piece of the answer is raised, and becomes a problem document. Later it is an event.
    """

    def __init__(self, service: AgentService, run: Run) -> None:
        self.background = None
        self.raw_headers = []
        self._service = service
        self._run = run
        self._report = Report(run, service.model_name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._stream(send) if self._run.is_stream else self._send_whole(scope, receive, send)
        await run_until_left(receive, answer)

    async def _send_whole(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, completed = Started(memory="unavailable"), None
        async with aclosing(self._service.answer(self._run)) as events:
            async for event in events:
                if isinstance(event, Started):
                    started = event
                elif isinstance(event, Completed):
                    completed = event
        assert completed is not None
        response = JSONResponse(self._report.as_object(started, completed))
        response.raw_headers += self.raw_headers
        await response(scope, receive, send)

    async def _stream(self, send: Send) -> None:
        async with aclosing(self._service.answer(self._run)) as events:
            first = self._report.as_event(await anext(events))
            await send({"type": "http.response.start", "status": 200, "headers": _STREAM_HEADERS + self.raw_headers})
            await _send_part(send, first)
            try:
                await self._send_rest(events, send)
            except AfterturnError as error:
                logger.warning("an answer of an agent broke off: %s", error)
                await _send_part(send, self._report.as_error(error.code, str(error)))
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_rest(self, events: AsyncGenerator[RunEvent, None], send: Send) -> None:
        async for event in events:
            await _send_part(send, self._report.as_event(event))


async def _send_part(send: Send, part: bytes) -> None:
    await send({"type": "http.response.body", "body": part, "more_body": True})
