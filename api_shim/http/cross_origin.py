"""Cross-origin requests (CORS): which web pages may call the API from a browser. By default none."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from afterturn.settings import Settings
from api_shim.http import problems

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
#: The last three are those of MCP.
_REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "MCP-Protocol-Version",
    "Mcp-Method",
    "Mcp-Name",
)
_ANSWER_HEADERS = ("Location", "Retry-After", "RateLimit", "RateLimit-Policy", "WWW-Authenticate")


class CrossOrigin(CORSMiddleware):
    """Starlette's middleware, which answers a refused preflight with a problem document.

    No cookie is allowed: a page has to send the credential itself.
    """

    def __init__(self, app: ASGIApp, *, settings: Settings) -> None:
        super().__init__(
            app,
            allow_origins=settings.cors_origins,
            allow_methods=_METHODS,
            allow_headers=_REQUEST_HEADERS,
            expose_headers=_ANSWER_HEADERS,
        )

    def is_allowed_origin(self, origin: str) -> bool:
        """Return whether pages of this origin may call the API."""
        return super().is_allowed_origin(origin.lower())

    def preflight_response(self, request_headers: Headers) -> Response:
        """Answer the question of a browser whether a page may send a request."""
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return response
        message = "the Origin, the method or a header field is not allowed by AFTERTURN_API_CORS_ORIGINS"
        return problems.make_response(403, message, code="origin_not_allowed", headers={"Vary": "Origin"})
