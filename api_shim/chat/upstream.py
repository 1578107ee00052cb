"""The endpoint that answers chats: its URL, and the headers that it gets and that come back.

What belongs to the connection between client and afterturn, and what is afterturn's own (credentials, its headers,
cookies), never reaches the endpoint. Its answers go back with their headers, apart from those of its connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TypeAlias
from urllib.parse import urlencode
from weakref import WeakKeyDictionary

import httpx2

from afterturn.endpoints import addresses
from afterturn.errors import SettingsError
from afterturn.settings import Settings
from api_shim.chat import content_coding

Headers: TypeAlias = list[tuple[bytes, bytes]]

#: Headers of one connection (RFC 9110, 7.6.1).
_HOP_BY_HOP = frozenset(
    [
        *(b"connection", b"keep-alive", b"proxy-connection", b"proxy-authenticate", b"proxy-authorization"),
        *(b"te", b"trailer", b"transfer-encoding", b"upgrade"),
    ]
)
#: Headers of a request that are made anew, or that are for afterturn alone.
_NOT_FOR_THE_ENDPOINT = frozenset([b"host", b"content-length", b"expect", b"cookie"])
_CREDENTIALS = frozenset([b"authorization", b"api-key", b"x-api-key"])
#: Of an answer: the server sends its own Date.
_NOT_FOR_THE_CLIENT = frozenset([b"date"])
_OURS = b"x-afterturn-"
_OF_OPEN_WEBUI = b"x-openwebui-"

CONNECT_SECONDS = 10.0


class Upstream:
    """The endpoint, and the connections to it."""

    def __init__(self, settings: Settings) -> None:
        """Raises SettingsError."""
        self._settings = settings
        if settings.chat_authorization == "caller" and settings.api_key is not None:
            raise SettingsError(
                "AFTERTURN_CHAT_AUTHORIZATION=caller sends the caller's Authorization to the endpoint, which would be "
                "AFTERTURN_API_KEY: unset one of the two"
            )
        own = settings.chat_upstream_url
        setting = "AFTERTURN_LLM_BASE_URL" if own is None else "AFTERTURN_CHAT_UPSTREAM_URL"
        self._address = addresses.parse_address(own or settings.llm_base_url, setting=setting, model=settings.llm_model)
        key = settings.chat_upstream_key or (settings.llm_api_key if own is None else None)
        self._key = "" if key is None else key.get_secret_value()
        #: A client for each event loop: its connections belong to the loop that opened them.
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncClient] = WeakKeyDictionary()

    @property
    def is_configured(self) -> bool:
        """Whether there is an endpoint that may answer: a URL, or a credential for OpenAI's own."""
        named = self._settings.chat_upstream_url or self._settings.llm_base_url or self._key
        return bool(named) or self._settings.chat_authorization == "caller"

    def make_request(
        self, method: str, path: str, query: bytes, headers: Headers, body: bytes, *, is_open: bool
    ) -> httpx2.Request:
        """Return the request to the endpoint.

        Args:
            method: GET or POST.
            path: below the base URL, as it was sent: "/chat/completions".
            query: the query of the client's URL.
            headers: those of the client.
            body: the whole body; empty for none.
            is_open: whether callers need no credential, so that theirs may be the endpoint's.
        """
        queries = [urlencode(self._address.query), query.decode("ascii", errors="replace")]
        url = self._address.base_urls[0] + path
        if joined := "&".join(part for part in queries if part):
            url = f"{url}?{joined}"
        return httpx2.Request(
            method, url, headers=self._select(headers, is_open), content=body if method == "POST" else None
        )

    async def send(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request once and return the answer; its body is not read. Raises httpx2.TransportError."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = self._open()
        return await self._clients[loop].send(request, stream=True)

    async def close(self) -> None:
        """Close the connections of the running event loop."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()

    def _open(self) -> httpx2.AsyncClient:
        seconds = self._settings.chat_timeout_seconds
        # No limit of connections: each chat has one, and chats wait for minutes.
        return httpx2.AsyncClient(
            timeout=httpx2.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS), pool=None),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=100),
            follow_redirects=False,
        )

    def _select(self, headers: Headers, is_open: bool) -> Headers:
        """Return the headers of a request to the endpoint."""
        dropped = _HOP_BY_HOP | _NOT_FOR_THE_ENDPOINT | _named_by_connection(headers)
        if self._settings.chat_authorization == "server" or not is_open:
            dropped |= _CREDENTIALS
        prefixes = (_OURS, _OF_OPEN_WEBUI) if self._settings.chat_openwebui else (_OURS,)
        selected = [
            (name, _readable(value) if name.lower() == b"accept-encoding" else value)
            for name, value in headers
            if name.lower() not in dropped and not name.lower().startswith(prefixes)
        ]
        return selected + self._credential()

    def _credential(self) -> Headers:
        if self._settings.chat_authorization == "caller" or not self._key:
            return []
        own = self._address.headers(self._key) or {"authorization": f"Bearer {self._key}"}
        return [(name.encode(), value.encode()) for name, value in own.items()]


def headers_for_client(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the headers of an answer that go to the client, in their order."""
    given = list(headers)
    dropped = _HOP_BY_HOP | _NOT_FOR_THE_CLIENT | _named_by_connection(given)
    return [
        (name, value) for name, value in given if name.lower() not in dropped and not name.lower().startswith(_OURS)
    ]


def _named_by_connection(headers: Headers) -> frozenset[bytes]:
    """Return the names that Connection lists: they belong to the connection as well."""
    values = [value for name, value in headers if name.lower() == b"connection"]
    return frozenset(part.strip().lower() for value in values for part in value.split(b",") if part.strip())


def _readable(value: bytes) -> bytes:
    return content_coding.keep_readable(value.decode("latin-1")).encode("latin-1")
