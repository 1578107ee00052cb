"""Which hosts a request may name. A server without a key must not be reachable by way of a browser.

A web page can point its own name at 127.0.0.1 (DNS rebinding) and then read what the API answers. Its requests have the
page's name as `Host`. Requests of other pages have theirs as `Origin`.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from afterturn.access.credentials import Credentials
from afterturn.errors import MemoryUnavailable
from afterturn.settings import Settings
from api_shim.http import problems


class AllowedHosts:
    """ASGI middleware that refuses requests that name another host."""

    def __init__(self, app: ASGIApp, *, settings: Settings, credentials: Credentials) -> None:
        self._app = app
        self._credentials = credentials
        self._hosts = _allowed_hosts(settings)
        #: `*` is not among them: on a server that needs no credential, it would let every page read all memories.
        self._origins = settings.cors_origins - {"*"}
        self._is_setting = settings.api_allowed_hosts is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (problem := self._find_problem(scope)) and not await self._is_guarded():
            status, message, code = problem
            await problems.make_response(status, message, code=code)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _is_guarded(self) -> bool:
        """Return whether a page that reaches the API can do nothing with it: it has no credential."""
        if self._is_setting:
            return False
        try:
            return await self._credentials.are_required()
        except MemoryUnavailable:
            return False

    def _find_problem(self, scope: Scope) -> tuple[int, str, str] | None:
        if "*" in self._hosts:
            return None
        headers, server = Headers(scope=scope), scope.get("server")
        # The address at which the request arrived is an address of this machine, not a name that anybody gave it.
        hosts, names = headers.getlist("host"), self._hosts | ({server[0].lower()} if server else set())
        if len(hosts) != 1 or not _is_allowed(f"//{hosts[0]}", names):
            return 421, "the Host is not one of AFTERTURN_API_ALLOWED_HOSTS", "host_not_allowed"
        origins = (origin for origin in headers.getlist("origin") if origin.lower() not in self._origins)
        if not all(_is_allowed(origin, names) for origin in origins):
            return 403, "the Origin is not one of AFTERTURN_API_ALLOWED_HOSTS", "origin_not_allowed"
        return None


def is_allowed_origin(settings: Settings, scope: Scope) -> bool:
    """Return whether a request comes from no web page, or from one of this API or of AFTERTURN_API_CORS_ORIGINS."""
    names, server = _allowed_hosts(settings), scope.get("server")
    if "*" in names or "*" in settings.cors_origins:
        return True
    own = names | ({server[0].lower()} if server else set())
    origins = Headers(scope=scope).getlist("origin")
    return all(origin.lower() in settings.cors_origins or _is_allowed(origin, own) for origin in origins)


def _allowed_hosts(settings: Settings) -> frozenset[str]:
    """Return the allowed names besides those of loopback; `*` allows all."""
    if settings.api_allowed_hosts is None:
        return frozenset({settings.api_host.lower()})
    return frozenset(name.strip().lower() for name in settings.api_allowed_hosts.split(",") if name.strip())


def _is_allowed(url: str, names: frozenset[str]) -> bool:
    try:
        name = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return False
    return name in names or name == "localhost" or is_loopback(name)


def is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
