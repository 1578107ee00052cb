"""Send heartbeats of this worker; `afterturn status` and /healthz show them.

The consumer's own loop sends them: a worker that hangs, or waits for the broker, sends none.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Any

import redis
from celery import bootsteps
from celery.exceptions import WorkerShutdown
from redis.exceptions import RedisError

from afterturn import settings as settings_module
from afterturn.errors import SettingsError
from afterturn.hot import heartbeats, redis_url, server_requirements, worker_settings

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
        consumer.hub.call_repeatedly(heartbeats.INTERVAL_SECONDS, self._beat, consumer)
        self._beat(consumer)

    def stop(self, consumer: Any) -> None:
        """Keep the last heartbeat: the worker may be about to reconnect."""

    def shutdown(self, consumer: Any) -> None:
        if self._client is not None:
            with contextlib.suppress(RedisError):
                heartbeats.remove(self._client, _name(consumer))
                worker_settings.remove(self._client, consumer.hostname)
            self._client.close()

    def _beat(self, consumer: Any) -> None:
        if self._client is None:
            url = settings_module.load().redis_url
            self._client = redis_url.open_client(
                url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, retry=None
            )
        try:
            self._check(self._client)
            heartbeats.record(self._client, _name(consumer))
            worker_settings.record(self._client, consumer.hostname, settings_module.load())
        except RedisError as error:
            logger.debug("the heartbeat of this worker was not recorded: %s", error)

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
    return heartbeats.worker(consumer.hostname, consumer.app.amqp.queues.consume_from)
