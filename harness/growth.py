"""Check that the time of a function grows with the size of its input, and not with the square of it.

The function is compared with itself: how fast the machine is, and what else runs on it, makes no difference.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TypeVar

Input = TypeVar("Input")

#: The small input is so many times smaller than the large one.
TIMES_SMALLER = 8
#: The large input may take so many times as long. Proportional time takes 8 times as long, quadratic time 64 times.
LIMIT_FACTOR = 24
#: Less processor time than this, in seconds, is measured too inaccurately.
SHORTEST_SECONDS = 0.01
#: The least time of so many measurements counts: a processor that others use too makes some of them longer.
REPEATS = 3


def assert_time_is_proportional(
    run: Callable[[Input], object], make: Callable[[int], Input], size: int, *, times_smaller: int = TIMES_SMALLER
) -> None:
    """Run a function on a large and on a small input, and compare the processor time of this thread.

    Args:
        run: the function.
        make: returns an input of a size.
        size: the size of the large input.
        times_smaller: how many times smaller the small input is. The limit is three times as much.

    Raises:
        AssertionError: if the large input takes far longer than its size explains, each time.
    """
    large, small = make(size), make(size // times_smaller)
    limit = LIMIT_FACTOR / TIMES_SMALLER * times_smaller
    large_seconds = small_seconds = math.inf
    for _ in range(REPEATS):
        small_seconds = min(small_seconds, _seconds(run, small))
        large_seconds = min(large_seconds, _seconds(run, large))
        if large_seconds <= limit * max(small_seconds, SHORTEST_SECONDS):
            return
    raise AssertionError(
        f"an input that is {times_smaller} times as large takes {large_seconds:.3f} s instead of {small_seconds:.3f} s"
    )


def _seconds(run: Callable[[Input], object], given: Input) -> float:
    began = time.thread_time()
    run(given)
    return time.thread_time() - began
