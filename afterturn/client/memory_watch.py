"""Warn the agent's process, once a minute, when Redis's memory is nearly full, or when Redis deletes turns.

A check is one command after a successful write. A failed check is ignored.
"""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from afterturn.hot import memory
from afterturn.hot.memory import Memory

if TYPE_CHECKING:
    import redis
    import redis.asyncio

logger = logging.getLogger("afterturn.client")

#: The time between two checks of a process. Longer: a memory that fills quickly is full before the warning.
INTERVAL_SECONDS = 60.0


class MemoryWatch:
    """Schedules the checks. Threads may share it."""

    def __init__(self) -> None:
        #: The time of the next check, by time.monotonic(). A new process checks after its first write.
        self._due_at = 0.0

    @property
    def is_due(self) -> bool:
        return time.monotonic() >= self._due_at

    def check(self, client: redis.Redis) -> None:
        """Read Redis's memory use, and log a warning if it is nearly full or turns may be deleted."""
        self._due_at = time.monotonic() + INTERVAL_SECONDS
        with contextlib.suppress(RedisError):
            _warn(memory.from_info(client.info("memory")))  # type: ignore[arg-type]

    async def check_async(self, client: redis.asyncio.Redis) -> None:
        """Do the same with asyncio."""
        self._due_at = time.monotonic() + INTERVAL_SECONDS
        with contextlib.suppress(RedisError):
            _warn(memory.from_info(await client.info("memory")))


def _warn(found: Memory) -> None:
    warning = found.warning()
    if warning is not None:
        logger.warning("%s", warning)
