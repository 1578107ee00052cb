"""Measure times on a shared machine: operations are interleaved, and results are medians and ratios."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from statistics import median

WARMUP_ROUNDS = 200
NANOSECONDS_PER_MICROSECOND = 1_000

Operation = Callable[[], object]


def interleaved(
    operations: Mapping[str, Operation], *, rounds: int, warmup_rounds: int = WARMUP_ROUNDS
) -> dict[str, list[float]]:
    """Time each operation once per round and return the microseconds of each, in the order of the rounds.

    Each round has a random order, so that an operation does not always follow the same one, whose code and data are
    still in the processor's cache.
    """
    timings: dict[str, list[float]] = {name: [] for name in operations}
    for name, is_warm in _shuffled(operations, rounds, warmup_rounds):
        microseconds = timed(operations[name])
        if is_warm:
            timings[name].append(microseconds)
    return timings


async def interleaved_async(
    operations: Mapping[str, Callable[[], Awaitable[object]]], *, rounds: int, warmup_rounds: int = WARMUP_ROUNDS
) -> dict[str, list[float]]:
    """Time asyncio calls like `interleaved`, in the running event loop."""
    timings: dict[str, list[float]] = {name: [] for name in operations}
    for name, is_warm in _shuffled(operations, rounds, warmup_rounds):
        operation = operations[name]
        started = time.perf_counter_ns()
        await operation()
        if is_warm:
            timings[name].append((time.perf_counter_ns() - started) / NANOSECONDS_PER_MICROSECOND)
    return timings


def _shuffled(names: Iterable[str], rounds: int, warmup_rounds: int) -> Iterator[tuple[str, bool]]:
    """Yield each name once per round, in a random order, and whether the warm-up is over."""
    order = list(names)
    shuffled = random.Random(0)
    for number in range(warmup_rounds + rounds):
        shuffled.shuffle(order)
        for name in order:
            yield name, number >= warmup_rounds


def timed(operation: Operation) -> float:
    """Run the operation, and return its time in microseconds."""
    started = time.perf_counter_ns()
    operation()
    return (time.perf_counter_ns() - started) / NANOSECONDS_PER_MICROSECOND


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` (0 to 1) of the values do not exceed; 0.0 for no values."""
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def ratio_of_medians(values: Sequence[float], baseline: Sequence[float]) -> float:
    """Return the median of `values` divided by the median of `baseline`."""
    return median(values) / median(baseline)
