"""Ids in paths. A path is matched as it was sent, and its ids are decoded afterwards: `%2F` is part of an id.

Servers decode a path before they pass it on. Then `victim%2Fsessions%2F…` is more segments than were sent, and matches
another route, or another user.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from starlette.convertors import Convertor
from starlette.types import ASGIApp, Receive, Scope, Send


class EncodedPaths:
    """ASGI middleware that lets routes match the path without decoding it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            raw_path: bytes | None = scope.get("raw_path")
            path = quote(scope["path"], safe="/") if raw_path is None else raw_path.partition(b"?")[0].decode("ascii")
            scope = {**scope, "path": path}
        await self._app(scope, receive, send)


class IdConvertor(Convertor[str]):
    """The converter `{name:id}` of a path: one segment, decoded.

    Bytes that are not UTF-8 become lone surrogates, which no id may contain.
    """

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return unquote(value, errors="surrogateescape")

    def to_string(self, value: str) -> str:
        return quote(value, safe="")
