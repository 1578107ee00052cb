"""At its maxmemory Redis refuses what an agent writes, with one clear error; what is there is read, and taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from afterturn.errors import MemoryUnavailable
from afterturn.local.redis_server import RedisServer
from afterturn.settings import Settings
from api_shim import AsyncMemoryClient, MemoryClient, close_async_connections
from harness.chaos import redis_faults

REFUSED = r"Redis \(AFTERTURN_REDIS_URL\) is at its maxmemory"


@pytest.fixture
def full(settings: Settings, redis_server: RedisServer, hot_store) -> Iterator[MemoryClient]:
    """A client that has written one turn to a Redis that is full now."""
    memory = MemoryClient("ana", settings=settings)
    memory.write("user", "I live in Porto.", turn_id="first")
    with redis_faults.full_memory(redis_server):
        yield memory


def test_a_write_is_refused_and_leaves_nothing(full: MemoryClient) -> None:
    with pytest.raises(MemoryUnavailable, match=REFUSED):
        full.write("user", "I live in Rome.")
    with pytest.raises(MemoryUnavailable, match=REFUSED):
        full.write_many([{"role": "user", "content": "One."}, {"role": "user", "content": "Two."}])
    assert [turn.content for turn in full.history()] == ["I live in Porto."]


def test_what_is_there_is_recalled_and_can_be_taken_back(full: MemoryClient) -> None:
    assert [found.text for found in full.recall("Porto")] == ["I live in Porto."]
    full.remove("first")
    assert full.history() == []


def test_with_asyncio_it_is_the_same(full: MemoryClient, settings: Settings) -> None:
    async def use() -> list[str]:
        memory = AsyncMemoryClient("ana", settings=settings)
        with pytest.raises(MemoryUnavailable, match=REFUSED):
            await memory.write("user", "I live in Rome.")
        contents = [turn.content for turn in await memory.history()]
        await memory.remove("first")
        contents += [turn.content for turn in await memory.history()]
        await close_async_connections()
        return contents

    assert asyncio.run(use()) == ["I live in Porto."]


def test_the_workers_stages_go_on(full: MemoryClient, pipeline, redis_server: RedisServer) -> None:
    full.remove("first")
    pipeline.settle()
    assert full.history() == []
