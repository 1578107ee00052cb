"""The MCP server over both transports, with the official client in both protocols, and real servers behind it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias

import httpx2
import pytest
import redis
import uvicorn
from fastapi import FastAPI
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from afterturn.access import access_log, keys
from afterturn.client import connections
from afterturn.database import pool
from afterturn.principal import EveryUser, Principal, Right, UserPrefix
from afterturn.settings import PREFIX, Settings
from api_shim.http.protocol import DeadlineProtocol
from api_shim.mcp import http_app

#: The handshake of the protocols up to 2025-11-25, and the protocol of 2026-07-28.
ERAS = {"older": "legacy", "2026-07-28": "auto"}
READ_WRITE = frozenset({Right.READ, Right.WRITE})

Open: TypeAlias = Callable[..., AbstractAsyncContextManager[Client]]


@contextlib.contextmanager
def serving(settings: Settings, make_app: Callable[[Settings], FastAPI] = http_app.create_app) -> Iterator[str]:
    """Serve an app in a thread; return its address."""
    config = uvicorn.Config(
        make_app(settings), http=DeadlineProtocol, server_header=False, log_level="warning", lifespan="on"
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


def with_settings(settings: Settings, **changed: object) -> Settings:
    return type(settings)(**settings.model_dump(exclude_unset=True) | changed)


def make_key(
    settings: Settings,
    users: frozenset[str] | EveryUser | UserPrefix,
    rights: frozenset[Right] = READ_WRITE,
    tenant_id: str = "default",
    **options: Any,
) -> str:
    """Create a key; return it."""
    principal = Principal(tenant_id=tenant_id, users=users, rights=rights)
    with pool.worker_connection(settings) as connection:
        return keys.create(connection, principal, actor=access_log.make_system_actor(), **options).text


def variables_of(settings: Settings) -> dict[str, str]:
    """Return the environment of a process with these settings, and with no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    given = settings.model_dump(exclude_unset=True).items()
    shown = {name: value.get_secret_value() if hasattr(value, "get_secret_value") else value for name, value in given}
    return kept | {PREFIX + name.upper(): str(value) for name, value in shown.items()}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "api_shim.cli.main", "mcp", *arguments]


@pytest.fixture
def http(settings: Settings, hot_store: redis.Redis) -> Iterator[str]:
    """The address of MCP over HTTP. There is a key, so that each request needs one."""
    make_key(settings, frozenset({"nobody"}))
    with serving(settings) as address:
        yield address


@contextlib.asynccontextmanager
async def open_http(address: str, credential: str, *, era: str = "2026-07-28") -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {credential}"}
    async with httpx2.AsyncClient(headers=headers, timeout=60) as web:
        transport = streamable_http_client(f"{address}/mcp", http_client=web)
        async with Client(transport, mode=ERAS[era]) as client:
            yield client


@contextlib.asynccontextmanager
async def open_stdio(settings: Settings, *arguments: str, era: str = "2026-07-28") -> AsyncIterator[Client]:
    program, *rest = command(*arguments)
    parameters = StdioServerParameters(command=program, args=rest, env=variables_of(settings))
    async with Client(parameters, mode=ERAS[era]) as client:
        yield client


def run(test: Callable[[], Awaitable[None]]) -> None:
    """Run a test's coroutine function in an event loop of its own."""

    async def run_and_close() -> None:
        async with asyncio.timeout(90):
            await test()
        await connections.close_async_connections()

    asyncio.run(run_and_close())


def text_of(result: CallToolResult) -> str:
    """Return the one text of an answer."""
    [content] = result.content
    assert isinstance(content, TextContent)
    return content.text


async def answer_of(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool; return its object."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text_of(result)
    assert isinstance(result.structured_content, dict)
    return result.structured_content


async def error_of(client: Client, tool: str, **arguments: Any) -> str:
    """Call a tool that fails; return what it says."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result
    return text_of(result)
