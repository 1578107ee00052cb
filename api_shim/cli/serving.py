"""Serve an app of the HTTP doors by uvicorn, after the checks of its servers and credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from afterturn.settings import Settings


def serve(settings: Settings, module: ModuleType) -> None:
    """Serve until a signal ends it.

    Args:
        settings: the servers, and the address to listen at.
        module: it has `create_app`.

    Raises SettingsError, SchemaMismatch or MemoryUnavailable if it must not start.
    """
    import uvicorn

    from afterturn import json_logs
    from afterturn.database import schema
    from afterturn.hot import server_requirements
    from afterturn.local import services
    from api_shim.http import protocol

    server_requirements.require_if_it_answers(settings)
    schema.check_at_start(settings)
    services.require_logins(settings, ("api",))
    # uvicorn needs the app's name, not the object, to start several processes (WEB_CONCURRENCY).
    uvicorn.run(
        f"{module.__name__}:create_app",
        factory=True,
        host=settings.api_host,
        port=settings.api_port,
        http=protocol.DeadlineProtocol,
        # Answers of the endpoint of chats have their own.
        server_header=False,
        log_config=json_logs.CONFIGURATION if settings.log_format == "json" else uvicorn.config.LOGGING_CONFIG,
    )
