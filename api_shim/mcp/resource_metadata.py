"""OAuth 2.0 protected resource metadata (RFC 9728): where a client without a credential gets one."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from afterturn.access.tokens import RIGHT_PREFIX
from afterturn.principal import Right
from afterturn.settings import Settings

#: Where MCP is, below the address of the API.
PATH = "/mcp"
_WELL_KNOWN = "/.well-known/oauth-protected-resource"
#: The second one is where clients look that do not know the path.
METADATA_PATHS = (f"{_WELL_KNOWN}{PATH}", _WELL_KNOWN)

#: The rights that tools need.
_SCOPES = (f"{RIGHT_PREFIX}{Right.READ}", f"{RIGHT_PREFIX}{Right.WRITE}")
#: What may stand in a header field as the host of a request.
_HOST = re.compile(r"[A-Za-z0-9.\-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


def find_base_url(request: Request, settings: Settings) -> str:
    """Return the address of the API as clients know it, without a slash at its end."""
    if settings.api_public_url is not None:
        return settings.api_public_url
    host = request.headers.get("host", "")
    if _HOST.fullmatch(host) is None:
        host = f"{settings.api_host}:{settings.api_port}"
    return f"{request.url.scheme}://{host}"


async def answer(request: Request) -> Response:
    """Answer with the metadata. It says nothing of users, and needs no credential."""
    settings: Settings = request.app.state.settings
    document: dict[str, Any] = {
        "resource": find_base_url(request, settings) + PATH,
        "scopes_supported": _SCOPES,
        "bearer_methods_supported": ("header",),
        "resource_name": "afterturn",
    }
    if settings.jwt_issuer is not None:
        document["authorization_servers"] = (settings.jwt_issuer,)
    return JSONResponse(document)


def challenge(request: Request, settings: Settings) -> str:
    """Return the header field WWW-Authenticate of a refused request."""
    metadata_url = _metadata_url(find_base_url(request, settings))
    wrong = ', error="invalid_token"' if "authorization" in request.headers else ""
    return f'Bearer realm="afterturn", resource_metadata="{metadata_url}", scope="{" ".join(_SCOPES)}"{wrong}'


def _metadata_url(base_url: str) -> str:
    """Return the address of the metadata: between the host and the path of the resource (RFC 9728, 3.1)."""
    scheme, _, rest = base_url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host}{_WELL_KNOWN}{slash}{path}{PATH}"
