"""JSON-RPC messages as clients send them: readable ones as the library takes them, an error for each other one.

The library answers nothing to an unreadable message on stdio, so that its client waits for ever, and over HTTP it
repeats parts of the message.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import pydantic_core
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError

from afterturn.errors import InvalidInput
from api_shim.http import json_bodies

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Unreadable(Exception):
    """A message that cannot be read; `answer` is the error for its sender."""

    def __init__(self, code: int, problem: str, request_id: str | int | None = None) -> None:
        super().__init__(problem)
        self.answer = JSONRPCError(jsonrpc="2.0", id=request_id, error=ErrorData(code=code, message=problem))


def read(data: bytes) -> tuple[JSONRPCMessage, bytes]:
    """Return a message, and its JSON with U+FFFD for lone surrogates, as turns have it. Raises Unreadable."""
    try:
        json_bodies.check(data)
    except InvalidInput:
        raise Unreadable(INVALID_REQUEST, "the message has too many values") from None
    try:
        value = pydantic_core.from_json(data, allow_inf_nan=False)
    except ValueError:
        data = _repair(data)
        value = json.loads(data)
    return _validate(value), data


def encode(answer: JSONRPCError) -> bytes:
    """Return an error as JSON. An unknown id is null."""
    return json.dumps({"id": None} | answer.model_dump(mode="json", by_alias=True, exclude_none=True)).encode()


def _validate(value: Any) -> JSONRPCMessage:
    """Return a message of parsed JSON. Raises Unreadable."""
    with contextlib.suppress(ValidationError):
        message = jsonrpc_message_adapter.validate_python(value, by_name=False)
        # A request with an id of another type would be taken for a notification, and never answered.
        if "id" not in value or not isinstance(message, JSONRPCNotification):
            return message
    problem = "the message is not one JSON-RPC 2.0 request, notification or response"
    raise Unreadable(INVALID_REQUEST, problem, _find_id(value))


def _repair(data: bytes) -> bytes:
    """Return JSON with escapes of lone surrogates in a form that can be read. Raises Unreadable for anything else."""
    try:
        text = json.dumps(json.loads(data), ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        raise Unreadable(PARSE_ERROR, "the message is not JSON that can be read") from None
    return _LONE_SURROGATE.sub("\ufffd", text).encode()


def _find_id(value: Any) -> str | int | None:
    """Return the id of what is meant as a request."""
    request_id = value.get("id") if isinstance(value, dict) else None
    is_id = isinstance(request_id, str | int) and not isinstance(request_id, bool)
    return request_id if is_id else None
