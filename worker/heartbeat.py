"""Let others know that this worker consumes, and that sweeps are completed: `afterturn status` and /healthz show both.

A worker is heard from the consumer's own loop: one that hangs, or waits for the broker, is not heard.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Any

import redis
from celery import bootsteps
from celery.exceptions import WorkerShutdown
from celery.signals import task_success
from redis.exceptions import RedisError

from afterturn import settings as settings_module
from afterturn.errors import SettingsError
from afterturn.hot import heard, redis_url, server_requirements
from afterturn.pipeline import runtime
from afterturn.pipeline.enqueue import task_name

logger = logging.getLogger(__name__)

#: The consumer's loop waits at most this long for the hot store.
TIMEOUT_SECONDS = 0.5
EXIT_CODE = 1


class Heartbeat(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery ships no types
    """A step of the consumer. It starts again with each connection to the broker."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._client: redis.Redis | None = None
        self._is_checked = False

    def include_if(self, consumer: Any) -> bool:
        return consumer.hub is not None

    def start(self, consumer: Any) -> None:
        consumer.hub.call_repeatedly(heard.EVERY_SECONDS, self._beat, consumer)
        self._beat(consumer)

    def stop(self, consumer: Any) -> None:
        """Leave the worker to be heard of: it may be about to connect again."""

    def shutdown(self, consumer: Any) -> None:
        if self._client is not None:
            with contextlib.suppress(RedisError):
                heard.forget(self._client, _name(consumer))
            self._client.close()

    def _beat(self, consumer: Any) -> None:
        if self._client is None:
            url = settings_module.load().redis_url
            self._client = redis_url.open_client(
                url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, retry=None
            )
        try:
            self._check(self._client)
            heard.note(self._client, _name(consumer))
        except RedisError as error:
            logger.debug("the hot store does not hear of this worker: %s", error)

    def _check(self, client: redis.Redis) -> None:
        """At the first contact, end the worker if the server must not be used."""
        if self._is_checked:
            return
        try:
            server_requirements.require(client)
        except SettingsError as error:
            logger.critical("%s", error)
            raise WorkerShutdown(EXIT_CODE) from error
        self._is_checked = True


def _name(consumer: Any) -> str:
    return heard.worker(consumer.hostname, consumer.app.amqp.queues.consume_from)


def connect() -> None:
    """Connect the handler."""
    task_success.connect(_note_sweep)


def _note_sweep(sender: Any, **_: Any) -> None:
    if sender.name == task_name("sweep"):
        note_sweep()


def note_sweep() -> None:
    """Let others know that a sweep was completed just now."""
    try:
        heard.note(runtime.current().redis, heard.SWEEP)
    except RedisError as error:
        logger.warning("the hot store does not hear of this sweep: %s", error)
