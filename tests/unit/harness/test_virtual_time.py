"""Tasks that wait see time pass, and the test waits for nothing."""

import asyncio

import pytest

from harness import virtual_time


def test_an_hour_passes_at_once() -> None:
    async def wait() -> tuple[list[str], float]:
        order = []

        async def note(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            order.append(name)

        await asyncio.gather(note("second", 3_600), note("first", 1_800))
        return order, asyncio.get_running_loop().time()

    assert virtual_time.run(wait()) == (["first", "second"], pytest.approx(3_600))


def test_other_threads_are_waited_for() -> None:
    async def ask() -> int:
        return await asyncio.to_thread(sum, [1, 2])

    assert virtual_time.run(ask()) == 3
