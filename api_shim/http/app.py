"""The FastAPI app that `afterturn api` serves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Path, Query, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from afterturn import __version__
from afterturn import settings as settings_module
from afterturn.client import connections, plans
from afterturn.errors import (
    AccessDenied,
    AfterturnError,
    FlushFailed,
    FlushTimeout,
    InvalidInput,
    MemoryUnavailable,
    Unauthorized,
)
from afterturn.settings import Settings
from api_shim.http import context, costs, facts, health, summaries
from api_shim.http.principal import AgentWriter, SessionReader, SessionWriter, authorize
from api_shim.http.schemas import (
    ErrorOut,
    Health,
    HistoryOut,
    MemoryOut,
    RecallBody,
    RecallIn,
    RecallOut,
    TurnOut,
    WriteIn,
    WriteOut,
)

_STATUS: tuple[tuple[type[AfterturnError], int], ...] = (
    (Unauthorized, 401),
    (AccessDenied, 403),
    (InvalidInput, 422),
    (MemoryUnavailable, 503),
    (FlushFailed, 424),
    (FlushTimeout, 504),
)
_ERRORS: dict[int | str, dict[str, Any]] = {status: {"model": ErrorOut} for status in (401, 403, 422, 503)}


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the app. Settings that are not given are read from the environment."""
    settings = settings or settings_module.from_environment()
    app = FastAPI(title="afterturn", version=__version__, lifespan=_lifespan, responses=_ERRORS)
    app.state.settings = settings
    app.add_exception_handler(AfterturnError, _handle_error)
    app.add_exception_handler(RequestValidationError, _handle_invalid_request)
    app.add_exception_handler(StarletteHTTPException, _handle_unreadable_body)
    app.get("/healthz", response_model=Health, summary="Check Redis, Postgres and the workers")(health.health)
    sessions = "/v1/users/{user_id}/sessions/{session_id}"
    guarded = [Depends(authorize)]
    app.post(f"{sessions}/turns", status_code=201, dependencies=guarded, summary="Write turns")(write)
    app.get(f"{sessions}/turns", dependencies=guarded, summary="List the last turns of a session")(history)
    app.delete(f"{sessions}/turns/{{turn_id:path}}", status_code=202, dependencies=guarded, summary="Remove a turn")(
        remove
    )
    app.get(f"{sessions}/memories", dependencies=guarded, summary="Recall memories")(recall)
    app.post(f"{sessions}/recall", dependencies=guarded, summary="Recall memories with a long query")(recall_long)
    app.post(f"{sessions}/flush", status_code=202, dependencies=guarded, summary="Process pending turns now")(flush)
    app.include_router(facts.router, dependencies=guarded)
    app.include_router(summaries.router, dependencies=guarded)
    app.include_router(costs.router, dependencies=guarded)
    app.include_router(context.router, dependencies=guarded)
    return app


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    plans.import_all()
    yield
    await connections.close_async_connections()


async def write(memory: AgentWriter, body: WriteIn) -> WriteOut:
    """Write turns, all or none, in one round trip to Redis."""
    return WriteOut(turn_ids=await memory.write_many(turn.model_dump() for turn in body.turns))


async def history(memory: SessionReader, limit: Annotated[int, Query(ge=1, le=1_000)] = 20) -> HistoryOut:
    """Return the last turns of the session, oldest first, including turns that are not archived yet."""
    return HistoryOut(turns=[TurnOut.model_validate(turn) for turn in await memory.history(limit)])


async def recall(memory: SessionReader, request: Annotated[RecallIn, Query()]) -> RecallOut:
    """Return the memories that answer `query`, best first; without a query, the newest turns, newest first."""
    memories = await memory.recall(**{name: getattr(request, name) for name in RecallIn.model_fields})
    return RecallOut(memories=[MemoryOut.model_validate(recalled) for recalled in memories])


async def recall_long(memory: SessionReader, request: RecallBody) -> RecallOut:
    """Do the same as `GET …/memories`, for queries that are too long for a URL (64 KB)."""
    return await recall(memory, request)


async def remove(memory: SessionWriter, turn_id: Annotated[str, Path(description="the id of the turn")]) -> Response:
    """Remove a turn. It is hidden at once; facts and summaries without other evidence are deleted soon after."""
    await memory.remove(turn_id)
    return Response(status_code=202)


async def flush(
    memory: SessionWriter,
    wait_seconds: Annotated[float | None, Query(ge=0, le=300, description="wait so long at most")] = None,
) -> Response:
    """Cut and process pending turns without waiting for a full batch.

    With `wait_seconds` the answer comes when the turns are processed (204), when a batch of them is dead (424,
    `flush_failed`), or after that time (504, `flush_timeout`).
    """
    await memory.flush(wait_seconds)
    return Response(status_code=202 if wait_seconds is None else 204)


async def _handle_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AfterturnError)
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    return JSONResponse({"code": error.code, "message": str(error)}, status_code=status)


async def _handle_unreadable_body(request: Request, error: Exception) -> Response:
    """Answer to a body that is no JSON, is nested too deeply or has a number of thousands of digits, as to other input.

    All other answers of the framework (404, 405) stay as they are.
    """
    assert isinstance(error, StarletteHTTPException)
    if error.status_code != 400:
        return await http_exception_handler(request, error)
    message = "the body is not JSON that can be read"
    return JSONResponse({"code": InvalidInput.code, "message": message}, status_code=422)


async def _handle_invalid_request(_: Request, error: Exception) -> JSONResponse:
    """Answer with the invalid fields and their problems, without repeating the values that were sent."""
    assert isinstance(error, RequestValidationError)
    problems = "; ".join(
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" for problem in error.errors()
    )
    return JSONResponse({"code": InvalidInput.code, "message": problems}, status_code=422)
