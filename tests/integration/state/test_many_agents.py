"""A hundred agents change one document: every change is there, once."""

import pytest

from afterturn import MemoryClient
from harness.waiting import wait_until

PROCESSES = 5
AGENTS_EACH = 20
UPDATES_EACH = 3

THREADS = """
import sys, threading
from afterturn import MemoryClient

def agent(name):
    memory = MemoryClient("ana", settings=None)
    for number in range(UPDATES):
        memory.state.update("board", lambda value: [*(value or []), f"{name}.{number}"], attempts=10_000)

UPDATES = int(sys.argv[3])
agents = [threading.Thread(target=agent, args=(f"{sys.argv[1]}-{i}",)) for i in range(int(sys.argv[2]))]
for one in agents: one.start()
for one in agents: one.join()
"""
TASKS = """
import asyncio, sys
from afterturn import AsyncMemoryClient, close_async_connections

async def agent(name):
    memory = AsyncMemoryClient("ana")
    for number in range(int(sys.argv[3])):
        await memory.state.update("board", lambda value: [*(value or []), f"{name}.{number}"], attempts=10_000)

async def main():
    await asyncio.gather(*(agent(f"{sys.argv[1]}-{i}") for i in range(int(sys.argv[2]))))
    await close_async_connections()

asyncio.run(main())
"""


@pytest.mark.slow
def test_every_update_of_a_hundred_agents_is_there(workers, settings, hot_store, database, start_agent):
    agents = [
        start_agent(THREADS if number % 2 else TASKS, settings, str(number), str(AGENTS_EACH), str(UPDATES_EACH))
        for number in range(PROCESSES)
    ]
    assert [agent.wait(240) for agent in agents] == [0] * PROCESSES
    names = {
        f"{process}-{agent}.{number}"
        for process in range(PROCESSES)
        for agent in range(AGENTS_EACH)
        for number in range(UPDATES_EACH)
    }
    memory = MemoryClient("ana", settings=settings)
    value, version = memory.state.get("board")
    assert (len(value), set(value), version) == (len(names), names, len(names))
    wait_until(lambda: not hot_store.keys("at:*:pending:*"), seconds=60, what=lambda: "archived")
    hot_store.flushdb()
    assert memory.state.get("board") == (value, version)
    assert database.execute("SELECT count(*), max(version) FROM agent_states").fetchone() == (1, len(names))
