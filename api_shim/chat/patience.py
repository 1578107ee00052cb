"""How long a chat waits for its memory: until nothing has come from the memory for the time of the setting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

#: The time is waited for in so many parts.
TICKS = 10
#: A chat waits at most so many times the setting, whatever comes meanwhile.
LARGEST_FACTOR = 20
#: Parts that end late, because this process did not get a processor, do not count: a busy machine is no server that
#: does not answer. They extend the wait to so many times the setting at most.
BUSY_FACTOR = 4


class Patience:
    """The patience of one chat: the time of the setting, which begins anew whenever another chat gets its memory."""

    def __init__(self, seconds: float, completed: Callable[[], int]) -> None:
        """Begin to wait, by the clock of the running event loop.

        Args:
            seconds: the time of the setting.
            completed: returns how many chats of this process have got their memory.
        """
        self._tick_seconds = seconds / TICKS
        self._completed = completed
        self._seen = completed()
        self._ticks_left = TICKS
        self._busy_ticks_left = (BUSY_FACTOR - 1) * TICKS
        self._clock = asyncio.get_running_loop().time
        self._ends = self._clock() + LARGEST_FACTOR * seconds

    async def wait_for(self, task: asyncio.Task[Any]) -> bool:
        """Wait for a task. Return whether it has ended; False if there is no patience left."""
        while self._ticks_left > 0 and self._clock() < self._ends:
            began = self._clock()
            done, _ = await asyncio.wait({task}, timeout=self._tick_seconds)
            if done:
                return True
            self._count(self._clock() - began)
        return task.done()

    def _count(self, seconds: float) -> None:
        if self._completed() != self._seen:
            self._seen, self._ticks_left = self._completed(), TICKS
        elif seconds > 2 * self._tick_seconds and self._busy_ticks_left > 0:
            self._busy_ticks_left -= round(seconds / self._tick_seconds)
        else:
            self._ticks_left -= 1
