"""Enqueue stages by name, so that a producer need not import the tasks.

A message is only a hint and contains ids. A lost message costs time, never work: the sweep enqueues it again.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from afterturn import extras

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

#: The stages in the order of the flow. Each has a task `afterturn.<stage>` and a queue with the stage's name.
STAGES = (
    *("sweep", "archive", "extract", "embed", "judge", "consolidate"),
    *("summarize", "sleep", "index", "vectors", "cold", "merge", "erase"),
)

#: Priorities of messages, as Celery numbers them on Redis: messages with the lowest number are taken first. Work for
#: users without a backlog comes first. RabbitMQ ignores priorities in these queues and keeps the order.
FIRST = 0
LATER = 3

#: Version of the messages: the first argument of every task. In a rolling upgrade it identifies newer messages.
MESSAGE_VERSION = 1


#: For this time after a restart or failure of the broker, messages that were sent before it may be lost. Shorter: a
#: message that a worker sent over a dead connection is found later.
INTERRUPTED_SECONDS = 10.0

#: The first open batches of a user, this many, have priority; the rest of a backlog does not.
FIRST_PLACES = 2


def priority_of(place: int) -> int:
    """Return the priority of the messages about a batch that was cut when `place` batches of its user were open."""
    return FIRST if place < FIRST_PLACES else LATER


def task_name(stage: str) -> str:
    """Return the name of a stage's Celery task."""
    return f"afterturn.{stage}"


class Enqueue:
    """Send hints to the workers. Threads may share it. It connects when the first hint is sent."""

    #: When a restart or outage of the broker was last detected, by the monotonic clock.
    _interrupted_at = -math.inf
    #: The run id of the broker's process; None: not read yet, or not available.
    _run_id: str | None = None

    def __init__(self, broker_url: str) -> None:
        """Create the producer. Raises MissingExtra if Celery is not installed."""
        extras.require("worker", "enqueueing")
        from celery import Celery
        from kombu.exceptions import OperationalError

        from afterturn.pipeline.broker import settings
        from afterturn.pipeline.broker.connection import BrokerAMQP

        #: The errors that mean that the broker is unavailable, or refuses.
        self._broker_errors: tuple[type[Exception], ...] = (OperationalError, OSError)
        self._celery = Celery("afterturn-producer", amqp=BrokerAMQP, set_as_current=False)
        self._celery.conf.update(
            **settings.celery_settings(broker_url), task_ignore_result=True, task_serializer="json"
        )
        # kombu would try for some seconds to connect, before each message.
        self._celery.conf.broker_transport_options |= {"max_retries": 0}

    def send(self, stage: str, *arguments: Any, priority: int = FIRST) -> bool:
        """Enqueue one stage with ids as arguments. Returns False, and logs, if the broker is unavailable."""
        try:
            self._celery.send_task(
                task_name(stage),
                args=(MESSAGE_VERSION, *arguments),
                queue=stage,
                priority=priority,
                ignore_result=True,
                # One retry without a pause: a connection from before a restart of the broker is dead.
                retry=True,
                retry_policy={"max_retries": 1, "interval_start": 0},
            )
        except self._broker_errors as error:
            self._interrupted_at = time.monotonic()
            logger.warning("%s could not be enqueued (%s); the sweep will find it", stage, error)
            return False
        return True

    def read_lengths(self, stages: Sequence[str]) -> dict[str, int] | None:
        """Return how many messages wait in the queue of each stage; None, and logs, if the broker is unavailable.

        Every broker returns the length of a queue when it is declared. A Redis returns all lengths in one round trip.
        """
        try:
            lengths = self._ask(_read_lengths, stages)
        except self._broker_errors as error:
            logger.warning("the broker does not report the lengths of its queues (%s)", type(error).__name__)
            return None
        return dict(zip(stages, lengths, strict=True))

    def is_interrupted(self) -> bool:
        """Return whether recent messages may be lost, because the broker restarted or failed in the last seconds.

        For a Redis it reads the id of the process. Other brokers keep their messages.
        """
        with contextlib.suppress(*self._broker_errors):
            run_id = self._ask(_read_run_id)
            if run_id != self._run_id:
                self._run_id, self._interrupted_at = run_id, time.monotonic()
        return time.monotonic() - self._interrupted_at < INTERRUPTED_SECONDS

    def _ask(self, read: Callable[..., _T], *arguments: Any) -> _T:
        """Call `read` with a channel of the broker. Raises one of the broker's errors, and remembers that it failed."""
        try:
            with self._celery.pool.acquire(block=True) as connection:
                answer: _T = connection.autoretry(read, max_retries=1, interval_start=0)(*arguments)[0]
        except self._broker_errors:
            self._interrupted_at = time.monotonic()
            raise
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._celery.close()


def _read_lengths(stages: Sequence[str], *, channel: Any) -> list[int]:
    """Return how many messages wait in each of these queues, by a channel of kombu's."""
    from kombu.transport import redis

    if not isinstance(channel, redis.Channel):
        # As the workers declare them.
        return [channel.queue_declare(queue=stage, durable=True, auto_delete=False).message_count for stage in stages]
    priorities = channel.priority_steps
    with channel.conn_or_acquire() as client, client.pipeline(transaction=False) as pipeline:
        for stage in stages:
            for priority in priorities:
                pipeline.llen(channel._q_for_pri(stage, priority))
        counts = pipeline.execute()
    return [sum(counts[start : start + len(priorities)]) for start in range(0, len(counts), len(priorities))]


def _read_run_id(*, channel: Any) -> str | None:
    """Return the id of the Redis process behind a channel of kombu's; None if it is not available."""
    from kombu.transport import redis
    from redis.exceptions import ResponseError

    if not isinstance(channel, redis.Channel):
        return None
    with channel.conn_or_acquire() as client:
        try:
            run_id: str | None = client.info("server").get("run_id")
        except ResponseError:
            # The login may not run INFO.
            return None
    return run_id
