"""A value of a server that is read again every few seconds, by one query, and outlives an outage."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeVar

from afterturn.errors import MemoryUnavailable

#: Longer: a revoked key works longer. Shorter: more queries, one per key and process in this time.
FRESH_SECONDS = 5.0
#: How long a request waits until a known value is read again.
PATIENCE_SECONDS = 0.25

Value = TypeVar("Value")


class FreshValue(Generic[Value]):
    """One value. A known value is at most `fresh_seconds` old, except while its server does not answer."""

    def __init__(
        self,
        read: Callable[[], Coroutine[Any, Any, Value]],
        *,
        fresh_seconds: float | None = None,
        outage_seconds: float | None = None,
    ) -> None:
        """Create it; nothing is read yet.

        Args:
            read: reads the value. Raises MemoryUnavailable.
            fresh_seconds: FRESH_SECONDS by default. From this age on a request waits, for a short time, until it is
                read again. From half of it on, the value is read again in the background.
            outage_seconds: how long the last value may be used while it cannot be read; None: without limit.
        """
        self._read = read
        self._fresh_seconds = fresh_seconds or FRESH_SECONDS
        self._outage_seconds = outage_seconds
        self._task: asyncio.Task[Value] | None = None
        self._value: Value
        #: By time.monotonic(): when the last read began, and until when none is tried after one that failed.
        self._read_at: float | None = None
        self._paused_until = 0.0

    async def get(self) -> Value:
        """Return the value. Raises MemoryUnavailable if it was never read, or too long ago, and cannot be read."""
        if self._read_at is None:
            return await asyncio.shield(self._start())
        now = time.monotonic()
        age = now - self._read_at
        if age >= self._fresh_seconds / 2 and now >= self._paused_until:
            running = self._start()
            if age >= self._fresh_seconds:
                await self._wait_for(running)
        return self._value

    async def read_again(self) -> Value:
        """Read the value now, or wait for the read that is running. Raises MemoryUnavailable."""
        return await asyncio.shield(self._start())

    @property
    def is_reading(self) -> bool:
        return self._task is not None

    def close(self) -> None:
        """End a read that is running."""
        if self._task is not None:
            self._task.cancel()

    async def _wait_for(self, running: Awaitable[Value]) -> None:
        """Wait for a read for a short time. Raises MemoryUnavailable if the value is too old to be used without it."""
        assert self._read_at is not None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asyncio.shield(running)
        except (MemoryUnavailable, TimeoutError) as error:
            if self._outage_seconds is not None and time.monotonic() - self._read_at > self._outage_seconds:
                raise MemoryUnavailable(
                    f"it is not known any more whether the credential is valid: {error or 'no answer in time'}"
                ) from error
            self._paused_until = time.monotonic() + FRESH_SECONDS

    def _start(self) -> asyncio.Task[Value]:
        """Return the running read, or start one: many requests at once make one query."""
        if self._task is None:
            self._task = asyncio.create_task(self._read_and_keep())
            self._task.add_done_callback(self._end)
        return self._task

    def _end(self, task: asyncio.Task[Value]) -> None:
        self._task = None
        if not task.cancelled():
            # Nobody may wait for a read in the background. Its error is not lost: a later request reads again.
            task.exception()

    async def _read_and_keep(self) -> Value:
        began = time.monotonic()
        value = await self._read()
        self._value, self._read_at, self._paused_until = value, began, 0.0
        return value
