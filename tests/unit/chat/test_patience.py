"""A chat waits until nothing has come from the memory for a while."""

import asyncio

import pytest

from api_shim.chat.patience import BUSY_FACTOR, LARGEST_FACTOR, Patience
from harness import virtual_time


def now():
    return asyncio.get_running_loop().time()


def wait(seconds, *, until, completed=lambda passed: 0, meanwhile=None):
    """Wait for a task that ends after a time. Return whether it has ended, and after how long.

    Args:
        seconds: the time of the setting.
        until: how long the task takes, in seconds.
        completed: returns how many chats have got their memory after a time.
        meanwhile: a coroutine function that runs at the same time.
    """

    async def run():
        began = now()
        task = asyncio.ensure_future(asyncio.sleep(until))
        other = asyncio.ensure_future(meanwhile()) if meanwhile else None
        is_done = await Patience(seconds, lambda: completed(now() - began)).wait_for(task)
        passed = now() - began
        task.cancel()
        if other:
            other.cancel()
        return is_done, pytest.approx(passed)

    return virtual_time.run(run())


def test_it_ends_when_nothing_comes():
    assert wait(0.1, until=60) == (False, 0.1)


def test_what_comes_in_time_is_not_waited_for_any_longer():
    assert wait(0.1, until=0.07) == (True, 0.07)


def test_it_goes_on_while_others_get_theirs():
    assert wait(0.1, until=0.5, completed=lambda passed: int(passed / 0.05)) == (True, 0.5)


def test_it_ends_when_others_get_theirs_no_more():
    assert wait(0.1, until=60, completed=lambda passed: passed >= 0.05) == (False, 0.15)


def test_it_ends_at_last():
    assert wait(0.02, until=60, completed=lambda passed: int(passed * 1e9)) == (False, 0.02 * LARGEST_FACTOR)


async def be_busy():
    """Let this process have no processor for a while, again and again."""
    while True:
        asyncio.get_running_loop().advance(0.04)
        await asyncio.sleep(0.001)


def test_the_time_in_which_this_process_does_not_run_does_not_count():
    is_done, _ = wait(0.1, until=0.25, meanwhile=be_busy)
    assert is_done


def test_a_process_that_hardly_runs_does_not_wait_for_ever():
    is_done, passed = wait(0.1, until=60, meanwhile=be_busy)
    assert not is_done
    assert passed.expected < 0.1 * 4 * BUSY_FACTOR
