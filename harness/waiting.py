"""Wait for a condition."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(
    is_true: Callable[[], bool], *, seconds: float, what: Callable[[], str] = lambda: "", every: float = 0.05
) -> None:
    """Return as soon as the condition is true. Raises AssertionError with the text of `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what()}"
        time.sleep(every)
