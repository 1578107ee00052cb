"""Errors as problem documents (RFC 9457): one form for every error of the API."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from afterturn.errors import (
    AccessDenied,
    AfterturnError,
    ConcurrencyError,
    FlushFailed,
    FlushTimeout,
    InvalidInput,
    LockBusy,
    MemoryUnavailable,
    MergeRefused,
    MissingExtra,
    ModelError,
    ModelUnavailable,
    RateLimited,
    StaleFence,
    TurnIdUsed,
    Unauthorized,
    UserMerged,
)

MEDIA_TYPE = "application/problem+json"

_STATUS: tuple[tuple[type[AfterturnError], int], ...] = (
    (Unauthorized, 401),
    (RateLimited, 429),
    (AccessDenied, 403),
    (MergeRefused, 409),
    (UserMerged, 409),
    (TurnIdUsed, 409),
    (InvalidInput, 422),
    (StaleFence, 409),
    (LockBusy, 409),
    (ConcurrencyError, 412),
    (MemoryUnavailable, 503),
    (ModelUnavailable, 503),
    (ModelError, 502),
    (MissingExtra, 503),
    (FlushFailed, 424),
    (FlushTimeout, 504),
)
#: The codes of errors that only HTTP has.
_CODES = {
    400: "bad_request",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    413: "body_too_large",
    415: "unsupported_media_type",
    412: "concurrency_error",
    421: "host_not_allowed",
    428: "precondition_required",
    500: "internal_error",
}
#: Invalid fields that one error names. More: a body with a thousand wrong turns gets an answer of a megabyte.
_FIELDS_NAMED = 10
_FIELD_CHARACTERS = 40


def add_handlers(app: FastAPI) -> None:
    """Let the app answer each error with a problem document."""
    app.add_exception_handler(AfterturnError, _handle_error)
    app.add_exception_handler(RequestValidationError, _handle_invalid_request)
    app.add_exception_handler(HTTPException, _handle_http_error)
    app.add_exception_handler(Exception, _handle_unexpected_error)


def document(status: int, code: str, message: str) -> bytes:
    """Return a problem document as JSON in ASCII."""
    title = HTTPStatus(status).phrase
    fields = {"type": "about:blank", "title": title, "status": status, "detail": message, "code": code}
    # `message` is older than the form of RFC 9457; clients read it.
    return json.dumps(fields | {"message": message}).encode()


def make_response(
    status: int, message: str, *, code: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Return the response with a problem document. The default code is that of the status."""
    body = document(status, code or _CODES.get(status, f"http_{status}"), message)
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def add_headers(request: Request, response: Response) -> None:
    """Add the header fields that belong to each answer to this request: those of its rate limit."""
    response.headers.update(getattr(request.state, "answer_headers", {}))


async def _handle_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, AfterturnError)
    return answer_error(request, error)


def answer_error(request: Request, error: AfterturnError) -> Response:
    """Return the response for an error of ours."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    response = make_response(status, str(error), code=error.code, headers=_headers_of(error))
    add_headers(request, response)
    return response


def _headers_of(error: AfterturnError) -> Mapping[str, str]:
    if isinstance(error, Unauthorized):
        return {"WWW-Authenticate": 'Bearer realm="afterturn"'}
    if isinstance(error, ModelUnavailable) and error.retry_after_seconds is not None:
        return {"Retry-After": str(math.ceil(error.retry_after_seconds))}
    return error.headers if isinstance(error, RateLimited) else {}


async def _handle_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:
        # A body that is no JSON, is nested too deeply, or has a number of thousands of digits.
        response = make_response(422, "the body is not JSON that can be read", code=InvalidInput.code)
    else:
        response = make_response(error.status_code, str(error.detail), headers=error.headers)
    add_headers(request, response)
    return response


async def _handle_invalid_request(request: Request, error: Exception) -> Response:
    """Answer with the invalid fields and their problems, without repeating the values that were sent."""
    assert isinstance(error, RequestValidationError)
    problems = error.errors()
    named = [f"{_field(problem['loc'])}: {problem['msg']}" for problem in problems[:_FIELDS_NAMED]]
    if len(problems) > _FIELDS_NAMED:
        named.append(f"and {len(problems) - _FIELDS_NAMED} more")
    response = make_response(422, "; ".join(named), code=InvalidInput.code)
    add_headers(request, response)
    return response


async def _handle_unexpected_error(_: Request, __: Exception) -> Response:
    """Answer without details. The server logs the exception."""
    return make_response(500, "the server failed; its log says why")


def _field(location: tuple[object, ...]) -> str:
    return ".".join(str(part)[:_FIELD_CHARACTERS] for part in location)
