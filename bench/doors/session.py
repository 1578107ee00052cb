"""AfterturnSession beside SQLiteSession and RedisSession of the OpenAI Agents SDK."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

from agents.extensions.memory import RedisSession
from agents.memory import SessionABC, SQLiteSession

from afterturn.client import connections
from afterturn.settings import Settings
from api_shim.adapters.openai_agents import AfterturnSession
from bench import timing
from bench.report import Line, Value
from harness.pipeline import Pipeline

#: Name of a store -> a function that opens a session of it.
Stores: TypeAlias = dict[str, Callable[[str], SessionABC]]

#: Items of the sessions that are read: a short conversation, and a long one.
SHORT, LONG = 20, 200
TEXT = (
    "I moved to Porto last spring with my sister Ines, and since then I take the tram to work every morning; the "
    "office is near the river, and on Fridays we all have lunch at the small place by the bridge."
)
_NAMES = {"afterturn": "AfterturnSession", "sqlite": "SQLiteSession in a file", "redis": "RedisSession"}
_CALLS = {
    "write": "add_items of a message and its answer",
    "read_short": f"get_items of {SHORT} archived items",
    "read_long": f"get_items of {LONG} archived items",
    "read_pending": f"get_items of {SHORT} items that are not archived yet",
    "pop": "pop_item",
}
_AIMS = {"write": 1.0, "read_short": 1.5, "read_long": 1.5, "read_pending": 1.5}

LINES = tuple(
    line
    for call, meaning in _CALLS.items()
    for line in (
        *(Line(name=f"session_{call}_{store}_p50_us", meaning=f"{name}: {meaning}") for store, name in _NAMES.items()),
        *(
            Line(
                name=f"session_{call}_vs_{store}",
                meaning=f"AfterturnSession over {_NAMES[store]}: {meaning}",
                aim=_AIMS.get(call),
            )
            for store in ("sqlite", "redis")
        ),
    )
)


def measure(settings: Settings, samples: int) -> dict[str, Value]:
    """Return the figures of all calls."""
    try:
        with _stores(settings) as stores, asyncio.Runner() as runner, Pipeline(settings) as pipeline:
            for items in (SHORT, LONG):
                runner.run(_fill(stores, f"of {items}", items))
            pipeline.settle()
            runner.run(_fill(stores, "pending", SHORT))
            timings = {
                "write": runner.run(_time_writes(stores, samples)),
                "read_short": runner.run(_time_reads(stores, f"of {SHORT}", samples)),
                "read_long": runner.run(_time_reads(stores, f"of {LONG}", samples)),
                "read_pending": runner.run(_time_reads(stores, "pending", samples)),
                "pop": runner.run(_time_pops(stores, samples)),
            }
    finally:
        connections.close_connections()
    return {line.name: _figures(timings)[line.name] for line in LINES}


def _figures(timings: dict[str, dict[str, list[float]]]) -> dict[str, Value]:
    figures: dict[str, Value] = {}
    for call, by_store in timings.items():
        for store, values in by_store.items():
            figures[f"session_{call}_{store}_p50_us"] = median(values)
            figures[f"session_{call}_vs_{store}"] = timing.ratio_of_medians(by_store["afterturn"], values)
    return figures


@contextmanager
def _stores(settings: Settings) -> Iterator[Stores]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "sessions.db"
        opened: dict[str, SQLiteSession] = {}

        def open_sqlite(session_id: str) -> SQLiteSession:
            return opened.setdefault(session_id, SQLiteSession(session_id, path))

        yield {
            "afterturn": lambda session_id: AfterturnSession(session_id, user_id="bench", settings=settings),
            "sqlite": open_sqlite,
            "redis": lambda session_id: RedisSession.from_url(session_id, url=settings.redis_url),
        }
        for session in opened.values():
            session.close()


def _pair(number: int) -> list[Any]:
    answer = {"type": "output_text", "text": TEXT, "annotations": []}
    return [
        {"role": "user", "content": f"{number}: {TEXT}"},
        {"id": f"m{number}", "type": "message", "role": "assistant", "status": "completed", "content": [answer]},
    ]


async def _fill(stores: Stores, session_id: str, items: int) -> None:
    for open_session in stores.values():
        session = open_session(session_id)
        await session.get_items()
        await session.add_items([item for number in range(items // 2) for item in _pair(number)])
        await session.get_items()


async def _time_writes(stores: Stores, samples: int) -> dict[str, list[float]]:
    numbers = itertools.count()

    def add(session: SessionABC) -> Callable[[], Awaitable[object]]:
        return lambda: session.add_items(_pair(next(numbers)))

    sessions = {name: open_session("writes") for name, open_session in stores.items()}
    return await _interleaved({name: add(session) for name, session in sessions.items()}, samples)


async def _time_reads(stores: Stores, session_id: str, samples: int) -> dict[str, list[float]]:
    sessions = {name: open_session(session_id) for name, open_session in stores.items()}
    return await _interleaved({name: partial(_read, session) for name, session in sessions.items()}, samples)


async def _read(session: SessionABC) -> None:
    assert await session.get_items()


async def _time_pops(stores: Stores, samples: int) -> dict[str, list[float]]:
    """Time pops of an item that was added just before, in sessions of their own."""
    timings: dict[str, list[float]] = {name: [] for name in stores}
    for number in range(samples):
        for name, open_session in stores.items():
            session = open_session(f"pops {number % 20}")
            await session.add_items(_pair(number))
            timings[name] += (await _interleaved({name: session.pop_item}, 1, warmup_rounds=0))[name]
    return timings


async def _interleaved(
    operations: dict[str, Callable[[], Awaitable[object]]], samples: int, *, warmup_rounds: int = 50
) -> dict[str, list[float]]:
    return await timing.interleaved_async(operations, rounds=samples, warmup_rounds=warmup_rounds)
