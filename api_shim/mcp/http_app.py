"""The app of `afterturn mcp --transport http`: MCP alone, with the middleware and the credentials of the HTTP API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from afterturn import __version__
from afterturn import settings as settings_module
from afterturn.client import connections, plans
from afterturn.settings import Settings
from api_shim.http import protection
from api_shim.http.methods import Methods
from api_shim.mcp import endpoint


def create_app(settings: Settings | None = None) -> FastAPI:
    """Return the app. Settings that are not given are read from the environment."""
    settings = settings or settings_module.from_environment()
    app = FastAPI(
        title="afterturn mcp",
        version=__version__,
        lifespan=_lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    protection.install(app, settings)
    app.state.mcp = endpoint.mount(app)
    app.add_middleware(Methods, api=app)
    protection.add_limits(app, settings)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    plans.import_all()
    mcp: endpoint.McpEndpoint = app.state.mcp
    async with mcp.running():
        yield
    app.state.credentials.close()
    await connections.close_async_connections()
