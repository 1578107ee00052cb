"""A chat waits until nothing has come from the memory for a while."""

import asyncio
import time

from api_shim.chat.patience import Patience


async def seconds_of(patience, task):
    began = time.monotonic()
    is_done = await patience.wait_for(task)
    return is_done, time.monotonic() - began


def test_it_ends_when_nothing_comes():
    async def wait():
        task = asyncio.ensure_future(asyncio.sleep(60))
        found = await seconds_of(Patience(0.1, lambda: 0), task)
        task.cancel()
        return found

    is_done, seconds = asyncio.run(wait())
    assert not is_done and 0.09 < seconds < 0.6


def test_it_goes_on_while_others_get_theirs():
    async def wait():
        task = asyncio.ensure_future(asyncio.sleep(0.5))
        began = time.monotonic()
        return await seconds_of(Patience(0.1, lambda: int((time.monotonic() - began) / 0.05)), task)

    is_done, seconds = asyncio.run(wait())
    assert is_done and seconds >= 0.4


def test_it_ends_at_last():
    async def wait():
        task = asyncio.ensure_future(asyncio.sleep(60))
        found = await seconds_of(Patience(0.02, lambda: time.monotonic_ns()), task)
        task.cancel()
        return found

    is_done, seconds = asyncio.run(wait())
    assert not is_done and 0.3 < seconds < 2


def test_the_time_in_which_this_process_does_not_run_does_not_count():
    async def wait():
        async def be_busy():
            for _ in range(6):
                time.sleep(0.04)
                await asyncio.sleep(0)

        busy = asyncio.ensure_future(be_busy())
        task = asyncio.ensure_future(asyncio.sleep(0.25))
        found = await seconds_of(Patience(0.1, lambda: 0), task)
        await busy
        return found

    is_done, _ = asyncio.run(wait())
    assert is_done
