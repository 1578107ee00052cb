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
    from afterturn import extras
    from afterturn import settings as settings_module

    extras.require("http", "the HTTP API")
    from api_shim.cli import serving
    from api_shim.http import app

    serving.serve(settings_module.load_with(api_host=host, api_port=port), app)
