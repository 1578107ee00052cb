"""What protects every app of the HTTP doors: credentials, limits, and errors without content."""

from __future__ import annotations

from fastapi import FastAPI

from afterturn.access.wrong_credentials import WrongCredentials
from afterturn.settings import Settings
from api_shim.credentials import open_credentials
from api_shim.http import access_log, problems
from api_shim.http.bodies import BodyLimits
from api_shim.http.cross_origin import CrossOrigin
from api_shim.http.hosts import AllowedHosts


def install(app: FastAPI, settings: Settings) -> None:
    """Give an app its settings and credentials, and the form of its errors. Call it first."""
    app.state.settings = settings
    app.state.credentials = open_credentials(settings)
    app.state.wrong_credentials = WrongCredentials()
    problems.add_handlers(app)
    access_log.remove_content()


def add_limits(app: FastAPI, settings: Settings) -> None:
    """Refuse bodies that are too large, and origins and hosts that are not allowed. Call it after inner middleware."""
    # The last one is the first that a request meets.
    app.add_middleware(BodyLimits, limit_bytes=settings.body_limit_bytes)
    if settings.cors_origins:
        app.add_middleware(CrossOrigin, settings=settings)
    app.add_middleware(AllowedHosts, settings=settings, credentials=app.state.credentials)
