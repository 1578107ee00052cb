"""MCP by streamable HTTP, at `/mcp`: credentials, rate limits and hosts are those of the HTTP API.

Each request is answered alone, as JSON: there are no sessions, so any process may get the next request, and a restart
ends nothing. Clients of the protocols before 2026-07-28, with their handshake, are answered so too.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI
from mcp.server.context import ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from afterturn.access.caller import Caller
from afterturn.errors import AfterturnError, Unauthorized
from afterturn.settings import Settings
from api_shim.http import hosts, problems
from api_shim.http.principal import authenticate
from api_shim.mcp import callers, messages, resource_metadata
from api_shim.mcp.callers import McpCaller
from api_shim.mcp.memory_server import MemoryServer
from api_shim.mcp.messages import Unreadable


class McpEndpoint:
    """The ASGI app of `/mcp`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._server = MemoryServer(_find_caller)
        self._sessions: StreamableHTTPSessionManager | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Within: requests are answered."""
        self._sessions = self._server.open_http_sessions(self._settings.body_limit_bytes)
        async with self._sessions.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope, receive)
        if not hosts.is_allowed_origin(self._settings, scope):
            message = "the Origin is not one of AFTERTURN_API_CORS_ORIGINS or AFTERTURN_API_ALLOWED_HOSTS"
            await problems.make_response(403, message, code="origin_not_allowed")(scope, receive, send)
            return
        try:
            await self._admit(request)
            _, body = messages.read(await request.body())
        except AfterturnError as error:
            response = problems.answer_error(request, error)
            if isinstance(error, Unauthorized):
                response.headers["WWW-Authenticate"] = resource_metadata.challenge(request, self._settings)
            await response(scope, receive, send)
        except Unreadable as error:
            response = Response(messages.encode(error.answer), status_code=400, media_type="application/json")
            problems.add_headers(request, response)
            await response(scope, receive, send)
        else:
            assert self._sessions is not None, "running() was not entered"
            await self._sessions.handle_request(scope, _repeat(body, receive), _with_headers(request, send))

    async def _admit(self, request: Request) -> None:
        """Find out whose memory the request is about. Raises AfterturnError."""
        await authenticate(request)
        caller: Caller = request.state.caller
        request.state.mcp_caller = McpCaller(
            principal=caller.principal,
            user_id=callers.choose_user(caller.principal, self._settings.mcp_user),
            settings=self._settings,
            base_url=resource_metadata.find_base_url(request, self._settings),
        )


def mount(app: FastAPI) -> McpEndpoint:
    """Add `/mcp` and its metadata to an app whose state is that of the HTTP API. `running()` must be entered."""
    endpoint = McpEndpoint(app.state.settings)
    app.routes.append(Route(resource_metadata.PATH, endpoint, methods=["POST"], include_in_schema=False))
    for path in resource_metadata.METADATA_PATHS:
        app.routes.append(Route(path, resource_metadata.answer, methods=["GET"], include_in_schema=False))
    return endpoint


def _find_caller(request: ServerRequestContext) -> McpCaller:
    """Return the caller of the HTTP request that a message came with."""
    assert isinstance(request.request, Request)
    caller: McpCaller = request.request.state.mcp_caller
    return caller


def _repeat(body: bytes, receive: Receive) -> Receive:
    """Return what receives the body again that was read already, and then the end of the connection."""
    messages_left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages_left.pop() if messages_left else await receive()

    return receive_again


def _with_headers(request: Request, send: Send) -> Send:
    """Return what sends an answer with the header fields of the caller's rate limit."""
    given: dict[str, str] = getattr(request.state, "answer_headers", {})
    fields = [(name.lower().encode(), value.encode()) for name, value in given.items()]

    async def send_all(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *fields]}
        await send(message)

    return send_all
