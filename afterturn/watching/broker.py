"""The number of waiting messages at the broker. They are hints: a long queue means that workers are late or stopped."""

from __future__ import annotations

from afterturn.hot.commands import RedisSteps
from afterturn.pipeline.enqueue import STAGES

#: kombu stores a queue in one list per priority. A list's name is the queue's name, this separator, and 3, 6 or 9.
_PRIORITY_SEPARATOR = "\x06\x16"
_PRIORITIES = (3, 6, 9)


def read_depths() -> RedisSteps[dict[str, int]]:
    """Return the number of waiting messages by stage, from a broker that is a plain Redis."""
    suffixes = ("", *(f"{_PRIORITY_SEPARATOR}{priority}" for priority in _PRIORITIES))
    lengths = yield [("LLEN", f"{stage}{suffix}") for stage in STAGES for suffix in suffixes]
    starts = range(0, len(lengths), len(suffixes))
    return {stage: sum(lengths[start : start + len(suffixes)]) for stage, start in zip(STAGES, starts, strict=True)}
