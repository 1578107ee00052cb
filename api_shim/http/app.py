"""The app, which `afterturn api` serves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError

from afterturn import __version__
from afterturn import settings as settings_module
from afterturn.client import connections, plans
from afterturn.database import pool
from afterturn.errors import AccessDenied, AfterturnError, InvalidInput, MemoryUnavailable, Unauthorized
from afterturn.scopes import UserScope
from afterturn.settings import Settings
from api_shim.http import context, costs, facts, summaries
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
)
_ERRORS: dict[int | str, dict[str, Any]] = {status: {"model": ErrorOut} for status in (401, 403, 422, 503)}


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the app; settings come from the environment when not given."""
    settings = settings or settings_module.from_environment()
    app = FastAPI(title="afterturn", version=__version__, lifespan=_lifespan, responses=_ERRORS)
    app.state.settings = settings
    app.add_exception_handler(AfterturnError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.get("/healthz", response_model=Health, summary="Whether Redis and Postgres answer")(health)
    sessions = "/v1/users/{user_id}/sessions/{session_id}"
    guarded = [Depends(authorize)]
    app.post(f"{sessions}/turns", status_code=201, dependencies=guarded, summary="Write turns")(write)
    app.get(f"{sessions}/turns", dependencies=guarded, summary="The last turns of a session")(history)
    app.delete(f"{sessions}/turns/{{turn_id:path}}", status_code=202, dependencies=guarded, summary="Take a turn back")(
        remove
    )
    app.get(f"{sessions}/memories", dependencies=guarded, summary="Recall what answers a question")(recall)
    app.post(f"{sessions}/recall", dependencies=guarded, summary="Recall what answers a long question")(recall_long)
    app.post(f"{sessions}/flush", status_code=202, dependencies=guarded, summary="Make facts of it now")(flush)
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
    """Write turns in one round trip to Redis, all or none."""
    return WriteOut(turn_ids=await memory.write_many(turn.model_dump() for turn in body.turns))


async def history(memory: SessionReader, limit: Annotated[int, Query(ge=1, le=1_000)] = 20) -> HistoryOut:
    """Return the session's last turns, oldest first, those not archived yet included."""
    return HistoryOut(turns=[TurnOut.model_validate(turn) for turn in await memory.history(limit)])


async def recall(memory: SessionReader, asked: Annotated[RecallIn, Query()]) -> RecallOut:
    """Return the user's memories that answer `query`, best first; without one, the newest turns."""
    found = await memory.recall(**{name: getattr(asked, name) for name in RecallIn.model_fields})
    return RecallOut(memories=[MemoryOut.model_validate(memory) for memory in found])


async def recall_long(memory: SessionReader, asked: RecallBody) -> RecallOut:
    """Return the same as `GET …/memories`; a URL holds no more than 64 KB, a body does."""
    return await recall(memory, asked)


async def remove(memory: SessionWriter, turn_id: Annotated[str, Path(description="which turn")]) -> Response:
    """Take a turn back: it is hidden at once, and what rests on it alone goes with it."""
    await memory.remove(turn_id)
    return Response(status_code=202)


async def flush(memory: SessionWriter) -> Response:
    """Have what was written so far made into facts now."""
    await memory.flush()
    return Response(status_code=202)


async def health(request: Request, response: Response) -> Health:
    """Ask both servers. Answers 503 when Redis is away: then nothing can be written."""
    settings: Settings = request.app.state.settings
    opened = connections.of_loop(settings)
    try:
        redis_answers = bool(await opened.redis.ping())
    except RedisError:
        redis_answers = False
    try:
        async with pool.async_user_transaction(
            await opened.postgres(), UserScope(settings.tenant, "health")
        ) as connection:
            await connection.execute("SELECT 1")
        postgres_answers = True
    except MemoryUnavailable:
        postgres_answers = False
    if not redis_answers:
        response.status_code = 503
    both = redis_answers and postgres_answers
    return Health(status="ok" if both else "degraded", redis=redis_answers, postgres=postgres_answers)


async def _answer_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AfterturnError)
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    return JSONResponse({"code": error.code, "message": str(error)}, status_code=status)


async def _answer_invalid(_: Request, error: Exception) -> JSONResponse:
    """Name the fields and what is wrong with them; never repeat what was sent."""
    assert isinstance(error, RequestValidationError)
    problems = "; ".join(
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" for problem in error.errors()
    )
    return JSONResponse({"code": InvalidInput.code, "message": problems}, status_code=422)
