"""Warn the agent's process, once a minute, when Redis's memory is nearly full, or when Redis deletes turns.

A look is one command, after a write that has succeeded. A look that fails is left out.
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

#: The time between two looks of a process. Longer: a memory that fills quickly is full before anybody is warned.
EVERY_SECONDS = 60.0


class MemoryWatch:
    """Knows when to look. Threads may share it."""

    def __init__(self) -> None:
        #: By time.monotonic(). A new process looks after its first write.
        self._due_at = 0.0

    @property
    def is_due(self) -> bool:
        return time.monotonic() >= self._due_at

    def look(self, client: redis.Redis) -> None:
        """Ask Redis, and log a warning if there is one."""
        self._due_at = time.monotonic() + EVERY_SECONDS
        with contextlib.suppress(RedisError):
            _warn(memory.from_info(client.info("memory")))  # type: ignore[arg-type]

    async def look_async(self, client: redis.asyncio.Redis) -> None:
        """Do the same with asyncio."""
        self._due_at = time.monotonic() + EVERY_SECONDS
        with contextlib.suppress(RedisError):
            _warn(memory.from_info(await client.info("memory")))


def _warn(found: Memory) -> None:
    warning = found.warning()
    if warning is not None:
        logger.warning("%s", warning)
