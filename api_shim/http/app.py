"""The FastAPI app that `afterturn api` serves."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from afterturn import __version__
from afterturn import settings as settings_module
from afterturn.access.wrong_credentials import WrongCredentials
from afterturn.client import connections, plans
from afterturn.errors import MemoryUnavailable
from afterturn.settings import Settings
from api_shim.credentials import open_credentials
from api_shim.http import access_log, context, costs, facts, health, problems, sessions, summaries
from api_shim.http.bodies import BodyLimits
from api_shim.http.hosts import AllowedHosts
from api_shim.http.paths import EncodedPaths
from api_shim.http.routes import StrictRoute
from api_shim.http.schemas import ErrorOut, Health

logger = logging.getLogger(__name__)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the app. Settings that are not given are read from the environment."""
    settings = settings or settings_module.from_environment()
    app = FastAPI(
        title="afterturn",
        version=__version__,
        lifespan=_lifespan,
        responses={status: {"model": ErrorOut} for status in (401, 403, 413, 422, 429, 503)},
        # A redirect to the path without its last slash would name a host that the caller chose.
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.state.credentials = open_credentials(settings)
    app.state.wrong_credentials = WrongCredentials()
    app.router.route_class = StrictRoute
    problems.add_handlers(app)
    access_log.remove_content()
    # The last one is the first that a request meets.
    app.add_middleware(EncodedPaths)
    app.add_middleware(BodyLimits, limit_bytes=settings.body_limit_bytes)
    app.add_middleware(AllowedHosts, settings=settings, credentials=app.state.credentials)
    app.get("/healthz", response_model=Health, summary="Check Redis, Postgres and the workers")(health.health)
    for routes in (sessions, facts, summaries, costs, context):
        app.include_router(routes.router)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    plans.import_all()
    await _announce_open_door(app)
    yield
    app.state.credentials.close()
    await connections.close_async_connections()


async def _announce_open_door(app: FastAPI) -> None:
    """Log that requests need no credential, if so."""
    with contextlib.suppress(MemoryUnavailable):
        if not await app.state.credentials.are_required():
            logger.warning(
                "the HTTP API needs no credential: every program on this machine can read and write all memories. "
                "`afterturn keys create` makes a key, from which on every request needs one"
            )
