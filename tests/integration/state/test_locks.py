"""memory.lock: one holder at a time, and a holder that was paused for too long cannot write."""

import asyncio
import os
import signal
import time

import pytest

from afterturn import AsyncMemoryClient, MemoryClient, close_async_connections
from afterturn.errors import ConcurrencyError, InvalidInput, LockBusy, MemoryUnavailable, StaleFence

HOLDER = """
import sys
from afterturn import MemoryClient
memory = MemoryClient("ana")
lock = memory.lock("plan", lease_seconds=0.5)
lock.acquire()
print("held", flush=True)
sys.stdin.readline()
for write in (
    lambda: memory.state.put("plan", "late", fence=lock),
    lambda: memory.state.put("other", "late", fence=lock.fence),
    lambda: memory.state.update("plan", lambda value: "late", fence=lock),
    lambda: memory.state.delete("plan", fence=lock),
    lambda: memory.checkpoint("task", fence=lock).step("one", lambda: "late"),
    lock.renew,
):
    try:
        write()
        print("written", flush=True)
    except Exception as error:
        print(error.code, flush=True)
"""


@pytest.fixture
def memory(settings, hot_store):
    return MemoryClient("ana", settings=settings)


@pytest.mark.parametrize("is_taken_meanwhile", [True, False])
def test_a_holder_that_is_paused_past_its_lease_cannot_write(memory, settings, start_agent, is_taken_meanwhile):
    memory.state.put("plan", "first")
    holder = start_agent(HOLDER, settings)
    assert holder.stdout.readline() == "held\n"
    os.kill(holder.pid, signal.SIGSTOP)
    if is_taken_meanwhile:
        with memory.lock("plan", wait_seconds=5) as lock:
            memory.state.put("plan", "second", fence=lock)
            os.kill(holder.pid, signal.SIGCONT)
            written, _ = holder.communicate("go\n", timeout=60)
    else:
        time.sleep(0.7)
        os.kill(holder.pid, signal.SIGCONT)
        written, _ = holder.communicate("go\n", timeout=60)
    assert written.split() == ["stale_fence"] * 6
    assert memory.state.get("plan").value == ("second" if is_taken_meanwhile else "first")
    assert memory.state.get("other") == (None, 0)
    assert memory.checkpoint("task").steps() == []


def test_one_holder_at_a_time_with_growing_fences(memory, settings):
    other = MemoryClient("ana", "another session", settings=settings)
    fences = []
    for holder, rival in ((memory, other), (other, memory)):
        with holder.lock("plan") as lock:
            fences.append(lock.fence)
            started = time.monotonic()
            with pytest.raises(LockBusy) as caught:
                rival.lock("plan", wait_seconds=0.2).acquire()
            assert caught.value.code == "lock_busy" and time.monotonic() - started >= 0.2
            ben = MemoryClient("ben", settings=settings)
            namesake = MemoryClient("ana", tenant_id="other", settings=settings)
            with rival.lock("another", wait_seconds=0), ben.lock("plan", wait_seconds=0):
                namesake.lock(f"plan {len(fences)}", wait_seconds=0).acquire()
    assert fences == sorted(set(fences))


def test_an_older_fence_cannot_write_after_a_newer_one(memory, hot_store):
    """Also where Redis no longer knows of the locks."""
    first, second = memory.lock("a"), memory.lock("b")
    first.acquire()
    second.acquire()
    memory.state.put("plan", 1, fence=second)
    with pytest.raises(StaleFence):
        memory.state.put("plan", 2, fence=first)
    memory.state.put("another", 2, fence=first)
    hot_store.flushdb()
    for lock in (first, second):
        with pytest.raises(StaleFence):
            memory.state.put("plan", 3, fence=lock)
    third = memory.lock("a")
    third.acquire()
    assert third.fence > second.fence
    assert memory.state.put("plan", 3, fence=third) == 2


def test_a_released_or_foreign_fence_cannot_write(memory, settings):
    with memory.lock("plan") as lock:
        fence = lock.fence
        with pytest.raises(StaleFence):
            MemoryClient("ben", settings=settings).state.put("plan", 1, fence=fence)
    for bad in (fence, fence + 1, lock):
        with pytest.raises(StaleFence):
            memory.state.put("plan", 1, fence=bad)
    with pytest.raises(StaleFence):
        lock.renew()
    with pytest.raises(StaleFence):
        lock.release()
    assert issubclass(StaleFence, ConcurrencyError)


def test_a_lease_is_renewed(memory, settings):
    with memory.lock("plan", lease_seconds=0.6) as lock:
        for _ in range(4):
            time.sleep(0.25)
            lock.renew()
        memory.state.put("plan", 1, fence=lock)
        with pytest.raises(LockBusy):
            memory.lock("plan", wait_seconds=0).acquire()


def test_a_holder_that_lost_the_lock_leaves_the_new_one_alone(memory):
    first = memory.lock("plan", lease_seconds=0.05)
    first.acquire()
    time.sleep(0.1)
    second = memory.lock("plan", wait_seconds=0)
    second.acquire()
    assert first.release() is False
    assert memory.state.put("plan", 1, fence=second) == 1
    assert second.release() is True


def test_the_error_of_the_block_is_raised_although_the_lock_is_lost(memory):
    with pytest.raises(ZeroDivisionError), memory.lock("plan", lease_seconds=0.05):
        time.sleep(0.1)
        _ = 1 / 0


@pytest.mark.parametrize(
    "arguments",
    [{"name": ""}, {"name": "a\n"}, {"lease_seconds": 0}, {"lease_seconds": 4_000}, {"wait_seconds": -1}],
)
def test_wrong_arguments_are_refused(memory, arguments):
    with pytest.raises(InvalidInput):
        memory.lock(**{"name": "plan", **arguments})


def test_a_hundred_tasks_take_turns(settings, hot_store):
    """A counter that is read and written without versions: the lock alone keeps it right."""
    inside = []

    async def one(memory):
        async with memory.lock("plan", wait_seconds=60) as lock:
            inside.append(1)
            assert len(inside) == 1
            value, _ = await memory.state.get("count")
            await memory.state.put("count", (value or 0) + 1, fence=lock)
            inside.clear()

    async def run():
        memory = AsyncMemoryClient("ana", settings=settings)
        await asyncio.gather(*(one(memory) for _ in range(30)))
        assert await memory.state.get("count") == (30, 30)
        await close_async_connections()

    asyncio.run(run())


def test_no_lock_without_postgres(settings, hot_store):
    away = type(settings)(
        **settings.model_dump(exclude_unset=True)
        | {"postgres_url": "postgresql://nobody@127.0.0.1:1/none", "postgres_timeout_seconds": 2}
    )
    with pytest.raises(MemoryUnavailable):
        MemoryClient("ana", settings=away).lock("plan").acquire()
