"""What the adapters for Pydantic AI, Agno and the Claude Agent SDK add to a call.

Beside each stands what the framework has itself: an agent without memory, a session store in the memory of the process.
Google ADK is not among them: it cannot be installed beside the others.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Mapping
from statistics import median
from typing import Any, TypeAlias

from claude_agent_sdk import InMemorySessionStore, SessionKey
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

from afterturn.client import connections
from afterturn.settings import Settings
from api_shim.adapters.agno import AfterturnMemoryManager
from api_shim.adapters.claude_agent import AfterturnSessionStore
from api_shim.adapters.pydantic_ai import AfterturnMemory
from bench import timing
from bench.report import Line, Value
from harness.pipeline import Pipeline

Call: TypeAlias = Callable[[], Awaitable[object]]

TEXT = "I moved to Porto last spring with my sister Ines, and since then I take the tram to work every morning."
#: Entries of the transcript that is loaded.
ENTRIES = 20
_MICROSECONDS = 1_000_000

_MEANINGS = {
    "claude_append": "AfterturnSessionStore.append of one entry",
    "claude_append_in_memory": "the same with InMemorySessionStore",
    "claude_load": f"AfterturnSessionStore.load of {ENTRIES} archived entries",
    "pydantic_ai_run": "a run of a Pydantic AI agent with memory: recall, and two writes",
    "pydantic_ai_run_without": "the same run without memory",
    "agno_create": "create_user_memories of a message",
    "agno_read": "get_user_memories, which Agno calls before each run",
}
LINES = (
    *(Line(name=f"frameworks_{name}_p50_us", meaning=meaning) for name, meaning in _MEANINGS.items()),
    Line(name="frameworks_pydantic_ai_added_p50_us", meaning="what memory adds to a run of a Pydantic AI agent"),
)


def measure(settings: Settings, samples: int) -> Mapping[str, Value]:
    """Return a value for each line. The servers are empty before; the calls are interleaved."""
    try:
        timings = asyncio.run(_measure(settings, samples))
    finally:
        connections.close_connections()
    medians = {name: median(values) for name, values in timings.items()}
    added = medians["pydantic_ai_run"] - medians["pydantic_ai_run_without"]
    figures = {f"frameworks_{name}_p50_us": round(value) for name, value in medians.items()}
    return figures | {"frameworks_pydantic_ai_added_p50_us": round(added)}


async def _measure(settings: Settings, samples: int) -> dict[str, list[float]]:
    calls = _claude_calls(settings) | _pydantic_ai_calls(settings) | _agno_calls(settings)
    for _ in range(ENTRIES):
        await calls["claude_append"]()
    with Pipeline(settings) as pipeline:
        pipeline.settle()
    timings: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(samples + min(samples, timing.WARMUP_ROUNDS)):
        for name, call in calls.items():
            started = time.perf_counter()
            await call()
            if number >= min(samples, timing.WARMUP_ROUNDS):
                timings[name].append((time.perf_counter() - started) * _MICROSECONDS)
    return timings


def _claude_calls(settings: Settings) -> dict[str, Call]:
    numbers = itertools.count()
    store, other = AfterturnSessionStore("bench", settings=settings), InMemorySessionStore()
    written: SessionKey = {"project_key": "bench", "session_id": "written"}
    loaded: SessionKey = {"project_key": "bench", "session_id": "loaded"}

    def make_entry() -> Any:
        return {"type": "user", "uuid": str(next(numbers)), "message": {"role": "user", "content": TEXT}}

    async def append() -> None:
        number = next(numbers)
        await store.append(loaded if number < ENTRIES * 2 else written, [make_entry()])

    return {
        "claude_append": append,
        "claude_append_in_memory": lambda: other.append(written, [make_entry()]),
        "claude_load": lambda: store.load(loaded),
    }


def _pydantic_ai_calls(settings: Settings) -> dict[str, Call]:
    memory = AfterturnMemory[None]("bench", session_id="bench", settings=settings)
    remembering = Agent(TestModel(custom_output_text="Noted."), capabilities=[memory])
    forgetful = Agent(TestModel(custom_output_text="Noted."))
    return {
        "pydantic_ai_run": lambda: remembering.run("Where do I live?"),
        "pydantic_ai_run_without": lambda: forgetful.run("Where do I live?"),
    }


def _agno_calls(settings: Settings) -> dict[str, Call]:
    manager = AfterturnMemoryManager(settings=settings)
    return {
        "agno_create": lambda: manager.acreate_user_memories(message=TEXT, user_id="bench"),
        "agno_read": lambda: manager.aget_user_memories(user_id="bench"),
    }
