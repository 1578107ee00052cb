"""`afterturn api`: run only the HTTP API."""

from __future__ import annotations

from typing import Annotated

import typer


def api(
    host: Annotated[
        str | None, typer.Option(help="The address to listen on. Default: AFTERTURN_API_HOST.", show_default=False)
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="The port to listen on. Default: AFTERTURN_API_PORT.", show_default=False)
    ] = None,
) -> None:
    """Run the HTTP API until SIGTERM.

    If other machines can reach it, there must be a key: `afterturn keys create`, or AFTERTURN_API_KEY.
    """
    from afterturn import numeric_threads

    numeric_threads.limit()
    from afterturn import extras, json_logs
    from afterturn import settings as settings_module
    from afterturn.database import schema
    from afterturn.hot import server_requirements
    from afterturn.local import services

    extras.require("http", "the HTTP API")
    import uvicorn

    from api_shim.http import app, protocol

    settings = settings_module.load_with(api_host=host, api_port=port)
    server_requirements.require_if_it_answers(settings)
    schema.check_at_start(settings)
    services.require_logins(settings, ("api",))
    # uvicorn needs the app's name, not the object, to start several processes (WEB_CONCURRENCY).
    uvicorn.run(
        f"{app.__name__}:create_app",
        factory=True,
        host=settings.api_host,
        port=settings.api_port,
        http=protocol.DeadlineProtocol,
        # Answers of the endpoint of chats have their own.
        server_header=False,
        log_config=json_logs.CONFIGURATION if settings.log_format == "json" else uvicorn.config.LOGGING_CONFIG,
    )
