"""A proxy inside the broker: workers send their messages to one Redis database and read from another.

It moves messages from the first to the second, and loses, multiplies or reorders them.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any, Self

import redis

from afterturn.pipeline.enqueue import STAGES

Message = dict[str, Any]
#: It receives (queue, message) pairs in order, and returns the pairs to deliver, in order.
Policy = Callable[[list[tuple[str, Message]]], list[tuple[str, Message]]]

LOOK_SECONDS = 0.02


class Meddler:
    """A thread that moves messages from the database of the producers to that of the consumers (`meddled_app`)."""

    def __init__(self, redis_url: str, policy: Policy, *, hold_seconds: float = LOOK_SECONDS) -> None:
        """`redis_url` is the producers' broker; the consumers' is the database after it."""
        self.url = redis_url
        self.consumers_url = next_database(redis_url)
        self.variables = {"MEDDLED_BROKER_URL": self.consumers_url}
        #: The numbers of received and delivered messages, without the clock's sweeps.
        self.taken = 0
        self.given = 0
        self._policy = policy
        self._hold_seconds = hold_seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._carry, name="meddler", daemon=True)

    def __enter__(self) -> Self:
        with redis.Redis.from_url(self.consumers_url) as client:
            client.flushdb()
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._thread.join()

    def _carry(self) -> None:
        with redis.Redis.from_url(self.url) as source, redis.Redis.from_url(self.consumers_url) as target:
            while not self._ended.is_set():
                time.sleep(self._hold_seconds)
                came = [(queue, json.loads(raw)) for queue in STAGES for raw in _all_of(source, queue)]
                goes = self._policy(came)
                self.taken += sum(queue != "sweep" for queue, _ in came)
                self.given += sum(queue != "sweep" for queue, _ in goes)
                for queue, message in goes:
                    target.lpush(queue, json.dumps(message))


def _all_of(client: redis.Redis, queue: str) -> list[bytes]:
    with client.pipeline(transaction=True) as pipeline:
        pipeline.lrange(queue, 0, -1)
        pipeline.delete(queue)
        rows: list[bytes] = pipeline.execute()[0]
    return list(reversed(rows))  # In the list, the oldest is the last.


def next_database(url: str) -> str:
    head, _, number = url.rpartition("/")
    return f"{head}/{int(number) + 1}"


def copy_of(message: Message) -> Message:
    """Return a copy of the message, as the broker delivers it again."""
    properties = message["properties"] | {"delivery_tag": str(uuid.uuid4())}
    return message | {"properties": properties}


def dropping_each_once() -> Policy:
    """Lose the first message of each kind and content, and deliver its repetitions."""
    seen: set[tuple[str, str]] = set()

    def policy(came: list[tuple[str, Message]]) -> list[tuple[str, Message]]:
        goes = []
        for queue, message in came:
            if (queue, message["body"]) in seen:
                goes.append((queue, message))
            seen.add((queue, message["body"]))
        return goes

    return policy


def multiplied(times: int) -> Policy:
    """Deliver each message this number of times."""

    def policy(came: list[tuple[str, Message]]) -> list[tuple[str, Message]]:
        return [(queue, copy_of(message)) for queue, message in came for _ in range(times)]

    return policy


def reversed_order(came: list[tuple[str, Message]]) -> list[tuple[str, Message]]:
    """Deliver the messages of one period in reverse order."""
    return list(reversed(came))
