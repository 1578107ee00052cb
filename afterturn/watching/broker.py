"""How many messages wait at the broker. They are hints: a long queue says that workers are behind or away."""

from __future__ import annotations

from urllib.parse import urlsplit

import redis

from afterturn.pipeline.enqueue import STAGES

#: kombu keeps a queue in one list per priority: the queue's name, and this with 3, 6 and 9 behind it.
_PRIORITY_SEPARATOR = "\x06\x16"
_PRIORITIES = (3, 6, 9)


def depths(broker_url: str, *, timeout_seconds: float) -> dict[str, int] | None:
    """Return how many messages wait for each stage; None where the broker is not a plain Redis, and so not asked.

    Raises RedisError when the broker is away.
    """
    if urlsplit(broker_url).scheme not in ("redis", "rediss"):
        return None
    with (
        redis.Redis.from_url(
            broker_url, socket_timeout=timeout_seconds, socket_connect_timeout=timeout_seconds
        ) as client,
        client.pipeline(transaction=False) as pipeline,
    ):
        for stage in STAGES:
            for name in (stage, *(f"{stage}{_PRIORITY_SEPARATOR}{priority}" for priority in _PRIORITIES)):
                pipeline.llen(name)
        lengths = pipeline.execute()
    lists = len(_PRIORITIES) + 1
    return {
        stage: sum(lengths[start : start + lists])
        for stage, start in zip(STAGES, range(0, len(lengths), lists), strict=True)
    }
