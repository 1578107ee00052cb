"""What MCP adds to a call: `remember` and `recall` through the server, beside the same calls of the client.

The server is a process, as MCP clients start it, over stdio; and the HTTP API with `/mcp` in a process of its own. The
official client calls both. Calls are interleaved, one at a time.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from afterturn import AsyncMemoryClient
from afterturn.client import connections, plans
from afterturn.local import environment
from afterturn.local.stack import Stack
from afterturn.settings import Settings
from api_shim.cli.processes import COMMANDS
from bench.report import Line, Value
from harness.pipeline import Pipeline

USER = "ana"
WARMUP_ROUNDS = 20
QUESTION = "Where does Ana live?"
CITIES = ("Porto", "Lisbon", "Rome", "Oslo", "Lima", "Quito", "Kyoto", "Accra", "Turin", "Ghent")

_WAYS = {"client": "the client itself", "stdio": "MCP over stdio", "http": "MCP over HTTP"}
LINES = (
    *(
        Line(name=f"mcp_{call}_{way}_p50_ms", meaning=f"{call}: the median by {meaning}")
        for call in ("remember", "recall")
        for way, meaning in _WAYS.items()
    ),
    *(
        Line(name=f"mcp_{call}_{way}_adds_ms", meaning=f"{call}: what {_WAYS[way]} adds to the client's call")
        for call in ("remember", "recall")
        for way in ("stdio", "http")
    ),
)

Operation = Callable[[], Awaitable[object]]


def measure(settings: Settings, samples: int) -> Mapping[str, Value]:
    """Return the figures of LINES.

    Args:
        settings: those of empty servers, on which no worker runs.
        samples: calls per median.
    """
    with Pipeline(settings) as pipeline, TemporaryDirectory() as directory:
        asyncio.run(_write_memories(settings))
        pipeline.settle()
        served = type(settings)(**settings.model_dump(exclude_unset=True) | {"api_mcp": True, "mcp_user": USER})
        with Stack(served, data_dir=Path(directory), commands=COMMANDS, names=("api",)) as stack:
            milliseconds = asyncio.run(_time_calls(settings, stack.address("api"), samples))
    medians = {f"mcp_{name}_p50_ms": median(times) for name, times in milliseconds.items()}
    added = {
        f"mcp_{call}_{way}_adds_ms": medians[f"mcp_{call}_{way}_p50_ms"] - medians[f"mcp_{call}_client_p50_ms"]
        for call in ("remember", "recall")
        for way in ("stdio", "http")
    }
    return medians | added


async def _write_memories(settings: Settings) -> None:
    memory = AsyncMemoryClient(USER, "mcp", settings=settings)
    await memory.write_many({"role": "user", "content": f"I visited {city} in May."} for city in CITIES)
    await memory.write("user", "I live in Porto.")


async def _time_calls(settings: Settings, address: str, samples: int) -> dict[str, list[float]]:
    """Return the milliseconds of each operation: `remember_stdio` and so on."""
    async with AsyncExitStack() as opened:
        operations = await _open(opened, settings, address)
        times: dict[str, list[float]] = {name: [] for name in operations}
        for number in range(WARMUP_ROUNDS + samples):
            for name, operation in operations.items():
                started = time.perf_counter()
                await operation()
                if number >= WARMUP_ROUNDS:
                    times[name].append((time.perf_counter() - started) * 1_000)
    await connections.close_async_connections()
    return times


async def _open(opened: AsyncExitStack, settings: Settings, address: str) -> dict[str, Operation]:
    plans.import_all()
    memory = AsyncMemoryClient(USER, "mcp", settings=settings)
    web = await opened.enter_async_context(httpx2.AsyncClient(timeout=30))
    transport = streamable_http_client(f"{address}/mcp", http_client=web)
    clients = {
        "stdio": await opened.enter_async_context(Client(_start_server(settings))),
        "http": await opened.enter_async_context(Client(transport)),
    }
    operations: dict[str, Operation] = {
        "remember_client": lambda: memory.write("user", "I like tea."),
        "recall_client": lambda: memory.recall(QUESTION),
    }
    for way, client in clients.items():
        operations[f"remember_{way}"] = _calling(client, "remember", text="I like tea.")
        operations[f"recall_{way}"] = _calling(client, "recall", query=QUESTION)
    return operations


def _calling(client: Client, tool: str, **arguments: str) -> Operation:
    async def call() -> object:
        result = await client.call_tool(tool, arguments)
        assert not result.is_error, result
        return result

    return call


def _start_server(settings: Settings) -> StdioServerParameters:
    """Return how a client starts the server over stdio."""
    arguments = ["-m", "api_shim.cli.main", "mcp", "--user", USER]
    variables = {**os.environ, **environment.child_environment(settings)}
    return StdioServerParameters(command=sys.executable, args=arguments, env=variables)
