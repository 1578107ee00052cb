"""Afterturn's own errors in the form of OpenAI's API, for the calls of that API.

Its clients read nothing else. Errors of the endpoint are passed on as they came; they never go through here.
"""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api_shim.http import problems

#: Paths of OpenAI's API, and what begins with them and a slash.
PATHS = ("/v1/chat/completions", "/v1/responses", "/v1/models")

_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


def make_response(status: int, message: str, *, code: str, param: str | None = None) -> Response:
    """Return an error in OpenAI's form."""
    return Response(_document(status, message, code, param), status_code=status, media_type="application/json")


class OpenAIErrors:
    """ASGI middleware that writes problem documents of these paths in OpenAI's form; their headers stay."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_openai_path(scope["path"]):
            await self._app(scope, receive, _Rewriter(send).send)
        else:
            await self._app(scope, receive, send)


def is_openai_path(path: str) -> bool:
    """Return whether a path belongs to OpenAI's API."""
    return path in PATHS or any(path.startswith(f"{known}/") for known in PATHS)


class _Rewriter:
    """Collects a problem document and sends it in the other form. It passes on all other answers as they come."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_problem(message):
            self._start = message
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            # Not the last part of the body, but all of it: what follows it (reading the rest of a request) may last.
            await self._send_rewritten(self._start, is_end=not message.get("more_body", False))

    async def _send_rewritten(self, start: Message, *, is_end: bool) -> None:
        if self._body:
            body = _rewrite(self._body, start["status"])
            await self._send({**start, "headers": _replace_headers(start, body)})
            await self._send({"type": "http.response.body", "body": body, "more_body": not is_end})
            self._start, self._body = None, b""


def _is_problem(start: MutableMapping[str, Any]) -> bool:
    """Return whether it is a problem document of ours. What is passed on says so by a header."""
    headers = {name.lower(): value for name, value in start.get("headers", ())}
    return b"x-afterturn-memory" not in headers and headers.get(b"content-type", b"").startswith(
        problems.MEDIA_TYPE.encode()
    )


def _rewrite(body: bytes, status: int) -> bytes:
    document = json.loads(body)
    return _document(status, document["detail"], document["code"], None)


def _document(status: int, message: str, code: str, param: str | None) -> bytes:
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return json.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}}).encode()


def _replace_headers(start: MutableMapping[str, Any], body: bytes) -> list[tuple[bytes, bytes]]:
    replaced = {b"content-type": b"application/json", b"content-length": b"%d" % len(body)}
    return [(name, replaced.get(name.lower(), value)) for name, value in start["headers"]]
