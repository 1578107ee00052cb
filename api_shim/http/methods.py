"""HEAD, OPTIONS and 405 for every path, by all methods that its routes have.

A router answers 405 with the methods of the first route of a path only, and has no HEAD for its routes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI, Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api_shim.http import problems

_BODY_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Methods:
    """ASGI middleware that answers HEAD like GET without the body, OPTIONS with `Allow`, and other methods with 405."""

    def __init__(self, app: ASGIApp, *, api: FastAPI) -> None:
        self._app = app
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        allowed = self._allowed(scope)
        method = scope["method"]
        if not allowed or method in allowed - {"HEAD", "OPTIONS"}:
            await self._app(scope, receive, send)
        elif method == "HEAD" and "HEAD" in allowed:
            await self._app({**scope, "method": "GET"}, receive, _without_body(send))
        else:
            await self._answer(method, allowed)(scope, receive, send)

    def _allowed(self, scope: Scope) -> set[str]:
        """Return the methods of the path; empty if there is no such path."""
        allowed = {method for method in _BODY_METHODS if _has_route(self._api.routes, {**scope, "method": method})}
        if "GET" in allowed:
            allowed.add("HEAD")
        return allowed | {"OPTIONS"} if allowed else allowed

    def _answer(self, method: str, allowed: Iterable[str]) -> Response:
        headers = {"Allow": ", ".join(sorted(allowed))}
        if method == "OPTIONS":
            return Response(status_code=204, headers=headers)
        return problems.make_response(405, "Method Not Allowed", headers=headers)


def _has_route(routes: Iterable[Any], scope: Scope) -> bool:
    return any(match is Match.FULL for match in _matches(routes, scope))


def _matches(routes: Iterable[Any], scope: Scope) -> Iterator[Match]:
    for route in routes:
        yield route.matches(scope)[0]


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head
