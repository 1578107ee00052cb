"""How many messages wait at the broker. They are hints: a long queue says that workers are behind or away."""

from __future__ import annotations

from afterturn.hot.commands import RedisSteps
from afterturn.pipeline.enqueue import STAGES

#: kombu keeps a queue in one list per priority: the queue's name, and this with 3, 6 and 9 behind it.
_PRIORITY_SEPARATOR = "\x06\x16"
_PRIORITIES = (3, 6, 9)


def read_depths() -> RedisSteps[dict[str, int]]:
    """Return the number of waiting messages by stage, from a broker that is a plain Redis."""
    suffixes = ("", *(f"{_PRIORITY_SEPARATOR}{priority}" for priority in _PRIORITIES))
    lengths = yield [("LLEN", f"{stage}{suffix}") for stage in STAGES for suffix in suffixes]
    starts = range(0, len(lengths), len(suffixes))
    return {stage: sum(lengths[start : start + len(suffixes)]) for stage, start in zip(STAGES, starts, strict=True)}
