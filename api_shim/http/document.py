"""The OpenAPI document: what each call answers, errors included, as problem documents."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api_shim.http import problems
from api_shim.http.schemas import ErrorOut

#: Statuses that every call may answer with. 400: what is no HTTP. 421: the Host. 500: a fault of the server.
_EVERYWHERE = {
    400: "The request is no HTTP, or its body cannot be read.",
    401: "The credential is missing or wrong.",
    403: "The credential does not allow this call, or the Origin is not allowed.",
    404: "There is no such call, or no such thing.",
    405: "The call has another method; Allow names it.",
    408: "The body took too long.",
    413: "The body is too large.",
    421: "The Host is not allowed.",
    422: "The input is invalid; nothing was stored.",
    429: "The credential has sent too many requests.",
    500: "The server failed; its log says why.",
    503: "A server that the call needs did not answer.",
}
_PROBLEM = {"schema": {"$ref": "#/components/schemas/ErrorOut"}}
#: For the parameter `responses` of an app.
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorOut, "description": description} for status, description in _EVERYWHERE.items()
}


def install(app: FastAPI) -> None:
    """Let the app describe errors with their media type."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _make(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def as_text(app: FastAPI) -> str:
    """Return the document as JSON with sorted keys."""
    return json.dumps(app.openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _make(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    for methods in document["paths"].values():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                content = response.get("content", {})
                if int(status) >= 400 and content.get("application/json") == _PROBLEM:
                    response["content"] = {problems.MEDIA_TYPE: content["application/json"]}
                elif int(status) < 400 and content.get("application/json") == {"schema": {}}:
                    # An answer without a body.
                    del response["content"]
    return document
