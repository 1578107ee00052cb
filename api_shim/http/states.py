"""The routes of agent state: versioned documents, with the version as entity tag."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Header, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from afterturn import AsyncMemoryClient
from afterturn.errors import ConcurrencyError, InvalidInput
from afterturn.state import documents
from afterturn.state.documents import StateScope
from api_shim.http.pages import Cursor, Limit, next_cursor
from api_shim.http.principal import StateReader, StateWriter
from api_shim.http.routes import make_router
from api_shim.http.schemas import Body, ErrorOut

router = make_router("/v1/users/{user_id:id}/state")

_TAG = re.compile(r'(W/)?"([^"]*)"')
#: How often `If-Match: *` is tried, if others change the document meanwhile.
_ATTEMPTS = 5


class DocumentIn(Body):
    """A new version of a document."""

    value: Any = Field(description="any JSON value")
    ttl_seconds: float | None = Field(None, description="the document expires after this time; null: never")
    fence: int | None = Field(None, description="the fence of a lock that must be held")


class DocumentOut(BaseModel):
    """A document. `ETag` has the version too."""

    key: str
    version: int
    value: Any


class VersionOut(BaseModel):
    """The version of a document after it was written."""

    version: int


class StateEntryOut(BaseModel):
    """A document in a list."""

    model_config = ConfigDict(from_attributes=True)

    key: str
    version: int
    updated_at: datetime
    expires_at: datetime | None = Field(description="null: it does not expire")


class StateOut(BaseModel):
    """Documents by key, without their values."""

    documents: list[StateEntryOut]
    next_cursor: str | None = Field(description="the cursor of the next page; null: there is none")


Key = Annotated[str, Path(description="the name of the document")]
Scope = Annotated[
    StateScope, Query(description="what it belongs to: the user, the session session_id, or the agent agent_id")
]
Expected = Annotated[
    int | None,
    Query(ge=0, description="the version that the document must have, in place of If-Match; 0: there must be none"),
]
_PRECONDITIONS: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorOut, "description": "The lock of the fence is lost."},
    412: {"model": ErrorOut, "description": "The document has another version."},
    428: {"model": ErrorOut, "description": "If-Match, If-None-Match or expected is missing."},
}


class Precondition:
    """What must hold of a document before it is written: If-Match, `If-None-Match: *`, or `expected`."""

    def __init__(
        self,
        request: Request,
        expected: Expected = None,
        if_match: Annotated[str | None, Header(description='the version that it must have, such as "3"; or *')] = None,
        if_none_match: Annotated[str | None, Header(description="*: there must be no document")] = None,
    ) -> None:
        given = [value for value in (expected, if_match, if_none_match) if value is not None]
        if not given:
            raise HTTPException(428, "send If-Match with the version, If-None-Match: *, or the parameter expected")
        if len(given) > 1:
            raise InvalidInput("send one of If-Match, If-None-Match and expected")
        if if_none_match is not None and if_none_match.strip() != "*":
            raise InvalidInput("If-None-Match must be *")
        self._expected = 0 if if_none_match is not None else expected
        self._if_match = None if if_match is None else ", ".join(request.headers.getlist("if-match"))

    async def find_version(self, memory: AsyncMemoryClient, key: str, scope: StateScope) -> int:
        """Return the version that the document must have. Raises ConcurrencyError if it has none that may be."""
        if self._if_match is None:
            assert self._expected is not None, "one of them is given"
            return self._expected
        _, version = await memory.state.get(key, scope=scope)
        if version == 0 or not (self.is_any or _matches(self._if_match, version)):
            raise ConcurrencyError(f"the document has version {version}; nothing was stored")
        return version

    @property
    def is_any(self) -> bool:
        """Whether any version will do."""
        return self._if_match is not None and self._if_match.strip() == "*"


Must = Annotated[Precondition, Depends()]


@router.get("", operation_id="list_documents", summary="List documents of agent state")
async def find(
    memory: StateReader,
    scope: Scope = "user",
    prefix: Annotated[str, Query(max_length=200, description="only keys that begin with this")] = "",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> StateOut:
    """Return the documents by key, without their values."""
    found = await memory.state.list(prefix=prefix, limit=limit, cursor=cursor, scope=scope)
    return StateOut(
        documents=[StateEntryOut.model_validate(entry) for entry in found], next_cursor=next_cursor(found, limit)
    )


@router.get(
    "/{key:id}",
    operation_id="get_document",
    summary="Get a document of agent state",
    response_model=DocumentOut,
    responses={304: {"description": "If-None-Match names the present version."}},
)
async def get(
    memory: StateReader,
    key: Key,
    request: Request,
    scope: Scope = "user",
    if_none_match: Annotated[str | None, Header(description="a version that the caller has")] = None,
) -> Response:
    """Return a document with its version, which `ETag` has too. 404 if there is none."""
    value, version = await memory.state.get(key, scope=scope)
    if version == 0:
        raise HTTPException(404, "there is no document with this key")
    headers = {"ETag": _tag(version)}
    seen = ", ".join(request.headers.getlist("if-none-match"))
    if if_none_match is not None and (seen.strip() == "*" or _matches(seen, version, is_weak_enough=True)):
        return Response(status_code=304, headers=headers)
    text = f'{{"key":{json.dumps(key)},"version":{version},"value":{documents.encode(value)}}}'
    return Response(text, media_type="application/json", headers=headers)


@router.put(
    "/{key:id}", operation_id="put_document", summary="Write a document of agent state", responses=_PRECONDITIONS
)
async def put(
    memory: StateWriter, key: Key, body: DocumentIn, must: Must, response: Response, scope: Scope = "user"
) -> VersionOut:
    """Write a document if it has the expected version, and return the new version, which `ETag` has too."""
    for attempt in range(_ATTEMPTS):
        expected = await must.find_version(memory, key, scope)
        try:
            version = await memory.state.put(
                key, body.value, expected=expected, fence=body.fence, ttl_seconds=body.ttl_seconds, scope=scope
            )
        except ConcurrencyError as error:
            if type(error) is not ConcurrencyError or not must.is_any or attempt == _ATTEMPTS - 1:
                raise
        else:
            break
    response.headers["ETag"] = _tag(version)
    return VersionOut(version=version)


@router.delete(
    "/{key:id}",
    operation_id="delete_document",
    summary="Delete a document of agent state",
    status_code=204,
    responses=_PRECONDITIONS,
)
async def delete(
    memory: StateWriter,
    key: Key,
    must: Must,
    scope: Scope = "user",
    fence: Annotated[int | None, Query(ge=1, description="the fence of a lock that must be held")] = None,
) -> Response:
    """Delete a document if it has the expected version. 404 if there is none."""
    expected = await must.find_version(memory, key, scope)
    if not await memory.state.delete(key, expected=expected, fence=fence, scope=scope):
        raise HTTPException(404, "there is no document with this key")
    return Response(status_code=204)


def _tag(version: int) -> str:
    return f'"{version}"'


def _matches(tags: str, version: int, *, is_weak_enough: bool = False) -> bool:
    """Return whether a list of entity tags has the version. If-Match compares strongly: weak tags never match."""
    return any(text == str(version) and (is_weak_enough or not weak) for weak, text in _TAG.findall(tags))
