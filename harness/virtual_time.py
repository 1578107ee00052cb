"""An event loop whose clock shows how long tasks wait, and nothing else: waiting takes no time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """When all tasks wait, the clock goes on to the time at which the first one continues."""

    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Selector(self))

    def time(self) -> float:
        """Return the time by the clock of this loop, in seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass in which no task runs, as if the process got no processor."""
        self._now += seconds


class _Selector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found: list[tuple[selectors.SelectorKey, int]] = super().select(0 if timeout is not None else None)
        if not found and timeout is not None:
            self._loop.advance(max(timeout, 0.0))
        return found


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine on such a loop."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
