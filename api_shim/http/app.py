"""The FastAPI app that `afterturn api` serves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from redis.exceptions import RedisError

from afterturn import __version__
from afterturn import settings as settings_module
from afterturn.client import connections, plans
from afterturn.database import pool
from afterturn.errors import MemoryUnavailable
from afterturn.scopes import UserScope
from afterturn.settings import Settings
from api_shim.http import access_log, context, costs, facts, problems, sessions, summaries
from api_shim.http.bodies import BodyLimits
from api_shim.http.hosts import AllowedHosts
from api_shim.http.paths import EncodedPaths
from api_shim.http.routes import StrictRoute
from api_shim.http.schemas import ErrorOut, Health


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the app. Settings that are not given are read from the environment."""
    settings = settings or settings_module.from_environment()
    app = FastAPI(
        title="afterturn",
        version=__version__,
        lifespan=_lifespan,
        responses={status: {"model": ErrorOut} for status in (401, 403, 413, 422, 503)},
        # A redirect to the path without its last slash would name a host that the caller chose.
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.router.route_class = StrictRoute
    problems.add_handlers(app)
    access_log.remove_content()
    # The last one is the first that a request meets.
    app.add_middleware(EncodedPaths)
    app.add_middleware(BodyLimits, limit_bytes=settings.body_limit_bytes)
    app.add_middleware(AllowedHosts, settings=settings)
    app.get("/healthz", response_model=Health, summary="Check Redis and Postgres")(health)
    for routes in (sessions, facts, summaries, costs, context):
        app.include_router(routes.router)
    return app


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    plans.import_all()
    yield
    await connections.close_async_connections()


async def health(request: Request, response: Response) -> Health:
    """Check whether Redis and Postgres answer. The status is 503 if Redis does not: then nothing can be written."""
    settings: Settings = request.app.state.settings
    server_connections = connections.get_async_connections(settings)
    try:
        redis_answers = bool(await server_connections.redis.ping())
    except RedisError:
        redis_answers = False
    try:
        async with pool.async_user_transaction(
            await server_connections.postgres(), UserScope(settings.tenant, "health")
        ) as connection:
            await connection.execute("SELECT 1")
        postgres_answers = True
    except MemoryUnavailable:
        postgres_answers = False
    if not redis_answers:
        response.status_code = 503
    is_healthy = redis_answers and postgres_answers
    return Health(status="ok" if is_healthy else "degraded", redis=redis_answers, postgres=postgres_answers)
