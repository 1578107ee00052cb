"""Measure many writers at once: processes, asyncio tasks, and many turns per call. Each returns turns per second."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from multiprocessing.synchronize import Barrier

from afterturn.settings import Settings
from api_shim import AsyncMemoryClient, MemoryClient, close_async_connections

WRITERS = 16
WRITES_PER_WRITER = 500
IN_FLIGHT = 100
ROUNDS = 30
TURNS_PER_CALL = 100
#: The imports of a process take up to two seconds on a slow machine.
START_SECONDS = 120.0


def processes(settings: Settings, text: str) -> float:
    """Measure 16 processes, each with its own client and session, that start at the same time."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["afterturn.client.memory_client", __name__])
    start, end = context.Barrier(WRITERS + 1), context.Barrier(WRITERS + 1)
    writers = [
        context.Process(target=_write, args=(settings, text, number, start, end), daemon=True)
        for number in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    start.wait(START_SECONDS)
    started = time.perf_counter()
    end.wait(START_SECONDS)
    seconds = time.perf_counter() - started
    for writer in writers:
        writer.join(START_SECONDS)
    return WRITERS * WRITES_PER_WRITER / seconds


def _write(settings: Settings, text: str, number: int, start: Barrier, end: Barrier) -> None:
    memory = MemoryClient(f"writer-{number}", settings=settings)
    memory.write("user", text)  # opens the connection
    start.wait(START_SECONDS)
    for _ in range(WRITES_PER_WRITER):
        memory.write("user", text)
    end.wait(START_SECONDS)


def tasks(settings: Settings, text: str) -> float:
    """Measure one event loop with 100 writes in flight, as in an asyncio server."""
    return asyncio.run(_write_concurrently(settings, text))


async def _write_concurrently(settings: Settings, text: str) -> float:
    memories = [AsyncMemoryClient(f"task-{number}", settings=settings) for number in range(IN_FLIGHT)]
    await asyncio.gather(*(memory.write("user", text) for memory in memories))  # opens the connections
    started = time.perf_counter()
    for _ in range(ROUNDS):
        await asyncio.gather(*(memory.write("user", text) for memory in memories))
    seconds = time.perf_counter() - started
    await close_async_connections()
    return IN_FLIGHT * ROUNDS / seconds


def bulk(settings: Settings, text: str) -> float:
    """Measure one client that writes 100 turns per call."""
    memory = MemoryClient("bulk", settings=settings)
    turns = [{"role": "user", "content": text}] * TURNS_PER_CALL
    started = time.perf_counter()
    for _ in range(ROUNDS):
        memory.write_many(turns)
    return ROUNDS * TURNS_PER_CALL / (time.perf_counter() - started)
