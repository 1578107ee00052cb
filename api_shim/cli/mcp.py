"""`afterturn mcp`: serve the memory as tools of the Model Context Protocol."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from api_shim.cli.owner import Tenant

if TYPE_CHECKING:
    from afterturn.settings import Settings


class Transport(StrEnum):
    """How clients connect."""

    STDIO = "stdio"
    HTTP = "http"


def mcp(
    user: Annotated[
        str | None,
        typer.Option("--user", "-u", help="The user whose memory is served. Default: AFTERTURN_MCP_USER."),
    ] = None,
    transport: Annotated[Transport, typer.Option(help="Serve one client here, or many by streamable HTTP.")] = (
        Transport.STDIO
    ),
    tenant: Tenant = None,
    session: Annotated[
        str, typer.Option("--session", "-s", help="stdio: the conversation of calls that name none.")
    ] = "mcp",
    agent: Annotated[
        str | None, typer.Option(help="stdio: the agent, stored with each turn.", show_default=False)
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="stdio: offer no tools that write.")] = False,
    host: Annotated[
        str | None, typer.Option(help="http: the address to listen on. Default: AFTERTURN_API_HOST.")
    ] = None,
    port: Annotated[int, typer.Option(help="http: the port to listen on.")] = 8601,
) -> None:
    """Serve a user's memory as tools for MCP clients: Claude, ChatGPT, Cursor and others.

    Over stdio, the client starts this command, and `--user` says whose memory it is. Over HTTP, at `/mcp`, it is the
    memory of the user of each request's key or token (`afterturn keys create --user USER`).
    """
    from afterturn import numeric_threads

    numeric_threads.limit()
    from afterturn import extras
    from afterturn import settings as settings_module

    extras.require("mcp", "`afterturn mcp`")
    if transport is Transport.HTTP:
        extras.require("http", "MCP over HTTP")
        _serve_http(settings_module.load_with(api_host=host, api_port=port, mcp_user=user))
    else:
        _serve_stdio(settings_module.load(), user, tenant, session, agent, read_only)


def _serve_stdio(
    settings: Settings, user: str | None, tenant: str | None, session: str, agent: str | None, read_only: bool
) -> None:
    from afterturn.errors import InvalidInput
    from api_shim.mcp import process_logs, standard_streams, stdio

    user_id = user or settings.mcp_user
    if user_id is None:
        raise InvalidInput("the user is missing: give --user USER, or set AFTERTURN_MCP_USER")
    options = stdio.StdioOptions(
        user_id=user_id, tenant_id=tenant, session_id=session, agent_id=agent, is_read_only=read_only
    )
    options.make_caller(settings)
    source, sink = standard_streams.take_standard_streams()
    process_logs.configure(settings)
    import asyncio

    asyncio.run(stdio.serve(options, source, sink))


def _serve_http(settings: Settings) -> None:
    import os

    from afterturn.settings import PREFIX
    from api_shim.cli import serving
    from api_shim.mcp import http_app

    # The app is made in the processes of uvicorn: options reach it by the environment.
    if settings.mcp_user is not None:
        os.environ[f"{PREFIX}MCP_USER"] = settings.mcp_user
    os.environ[f"{PREFIX}API_HOST"] = settings.api_host
    serving.serve(settings, http_app)
