"""The FastAPI app that `afterturn api` serves."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI

from afterturn import __version__, extras
from afterturn import settings as settings_module
from afterturn.client import connections, plans
from afterturn.errors import MemoryUnavailable
from afterturn.settings import Settings
from api_shim.agents import agent_os
from api_shim.agents import routes as agent_routes
from api_shim.agents.service import AgentService
from api_shim.chat import routes as chat_routes
from api_shim.chat.openai_errors import OpenAIErrors
from api_shim.chat.service import ChatService
from api_shim.http import (
    administration,
    context,
    contradictions,
    costs,
    document,
    documentation,
    erasures,
    facts,
    health,
    imports,
    lists,
    locks,
    merges,
    metrics,
    protection,
    readiness,
    sessions,
    states,
    summaries,
)
from api_shim.http.methods import Methods
from api_shim.http.paths import EncodedPaths
from api_shim.http.routes import StrictRoute
from api_shim.http.statuses import StatusCache

if TYPE_CHECKING:
    from api_shim.mcp.endpoint import McpEndpoint

logger = logging.getLogger(__name__)


_ROUTES = (
    health,
    readiness,
    metrics,
    sessions,
    lists,
    facts,
    contradictions,
    summaries,
    states,
    locks,
    costs,
    context,
    imports,
    erasures,
    merges,
    administration,
    agent_routes,
    agent_os,
)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the app. Settings that are not given are read from the environment."""
    settings = settings or settings_module.from_environment()
    app = FastAPI(
        title="afterturn",
        version=__version__,
        lifespan=_lifespan,
        responses=document.RESPONSES,
        docs_url=None,
        redoc_url=None,
        # A redirect to the path without its last slash would name a host that the caller chose.
        redirect_slashes=False,
    )
    protection.install(app, settings)
    app.state.chat = ChatService(settings)
    app.state.agents = AgentService(settings)
    app.state.statuses = StatusCache(settings)
    app.router.route_class = StrictRoute
    document.install(app)
    # The last one is the first that a request meets.
    app.add_middleware(Methods, api=app)
    app.add_middleware(EncodedPaths)
    protection.add_limits(app, settings)
    app.add_middleware(OpenAIErrors)
    documentation.add_pages(app)
    for routes in _ROUTES:
        app.include_router(routes.router)
    app.include_router(chat_routes.router)
    app.state.mcp = _mount_mcp(app) if settings.api_mcp else None
    return app


def _mount_mcp(app: FastAPI) -> McpEndpoint:
    """Serve MCP too (AFTERTURN_API_MCP). Raises MissingExtra."""
    extras.require("mcp", "MCP in the HTTP API (AFTERTURN_API_MCP)")
    from api_shim.mcp import endpoint

    return endpoint.mount(app)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    plans.import_all()
    imports.prepare(app)
    await _announce_open_door(app)
    chat: ChatService = app.state.chat
    await chat.open()
    mcp: McpEndpoint | None = app.state.mcp
    async with contextlib.nullcontext() if mcp is None else mcp.running():
        yield
    await chat.close()
    await app.state.agents.close()
    await app.state.running_imports.close()
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
