"""The body of a run: JSON, or a form as programs for AgentOS send it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from afterturn.errors import InvalidInput
from api_shim.agents.schemas import RunIn
from api_shim.http import json_bodies

JSON = "application/json"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
#: Fields of a form. More than `RunIn` has: the unknown ones are refused by name.
_FIELDS_LIMIT = 100
#: The schema of the body for the OpenAPI document.
REQUEST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {kind: {"schema": RunIn.model_json_schema()} for kind in (JSON, *FORMS)},
    }
}


async def read_run(request: Request) -> RunIn:
    """Return the body of a request. Raises InvalidInput, RequestValidationError or HTTPException."""
    kind = request.headers.get("content-type", JSON).partition(";")[0].strip().lower()
    if kind in FORMS:
        fields: Any = await _read_form(request, kind)
    elif kind == JSON:
        fields = await _read_json(request)
    else:
        raise HTTPException(415, f"the body must be {JSON} or {' or '.join(FORMS)}")
    try:
        return RunIn.model_validate(fields)
    except ValidationError as error:
        raise RequestValidationError(
            [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors(include_url=False)]
        ) from None


async def _read_json(request: Request) -> Any:
    content = await request.body()
    json_bodies.check(content)
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise InvalidInput("the body is not JSON that can be read") from None


async def _read_form(request: Request, kind: str) -> dict[str, Any]:
    content = await request.body()
    # Starlette reads these as Latin-1, but programs such as curl send UTF-8 as it is.
    fields = _read_query(content) if kind == FORMS[0] else await _read_parts(request, len(content))
    if len(dict(fields)) < len(fields):
        raise InvalidInput("a field of the form is given more than once")
    return dict(fields)


def _read_query(content: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            content.decode(), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS_LIMIT, separator="&"
        )
    except ValueError:
        raise InvalidInput(f"the form is not UTF-8, or has more than {_FIELDS_LIMIT} fields") from None


async def _read_parts(request: Request, size_bytes: int) -> list[tuple[str, Any]]:
    try:
        async with request.form(max_files=0, max_fields=_FIELDS_LIMIT, max_part_size=size_bytes) as form:
            return form.multi_items()
    except HTTPException as error:
        raise InvalidInput(f"the form cannot be read: {error.detail}") from None
