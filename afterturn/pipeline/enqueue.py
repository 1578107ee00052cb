"""Enqueue stages by name, so that a producer need not import the tasks.

A message is only a hint and carries ids. Losing one costs time, never work: the sweep enqueues it again.
"""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from afterturn import extras

logger = logging.getLogger(__name__)

#: The stages in the order of the flow. Each has a task `afterturn.<stage>` and a queue with the stage's name.
STAGES = ("sweep", "archive", "extract", "embed", "judge", "consolidate", "summarize", "sleep", "index", "erase")

#: Version of the messages: the first argument of every task. In a rolling upgrade it identifies newer messages.
MESSAGE_VERSION = 1


def task_name(stage: str) -> str:
    """Return the name of a stage's Celery task."""
    return f"afterturn.{stage}"


def broker_urls(url: str) -> dict[str, str]:
    """Return the broker's URL as Celery settings. All three are needed: CELERY_BROKER_URL overrides each of them alone.

    That variable belongs to the agent, if the agent uses Celery as well.
    """
    url = require_certificate(url)
    return {"broker_url": url, "broker_read_url": url, "broker_write_url": url}


def require_certificate(url: str) -> str:
    """Return a broker's URL in which each `rediss://` checks the server's certificate, unless it says otherwise.

    The hot store's client does that by itself. kombu does not, and the two may be one URL. A URL may list several
    brokers, with semicolons between.
    """
    return ";".join(_require_certificate(one) for one in url.split(";"))


def _require_certificate(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "rediss" or "ssl_cert_reqs" in parse_qs(parts.query):
        return url
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, "ssl_cert_reqs=required")))))


class Enqueue:
    """Send hints to the workers. Threads may share it. It connects when the first hint is sent."""

    def __init__(self, broker_url: str) -> None:
        """Create the producer. Raises MissingExtra if Celery is not installed."""
        extras.require("worker", "enqueueing")
        from celery import Celery
        from kombu.exceptions import OperationalError

        #: The errors that mean that the broker is unavailable.
        self._broker_errors: tuple[type[Exception], ...] = (OperationalError, OSError)
        self._celery = Celery("afterturn-producer", set_as_current=False)
        self._celery.conf.update(
            **broker_urls(broker_url),
            task_ignore_result=True,
            task_serializer="json",
            broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 5},
        )

    def send(self, stage: str, *arguments: Any) -> bool:
        """Enqueue one stage with ids as arguments. Returns False, and logs, if the broker is unavailable."""
        try:
            self._celery.send_task(
                task_name(stage), args=(MESSAGE_VERSION, *arguments), queue=stage, ignore_result=True, retry=False
            )
        except self._broker_errors as error:
            logger.warning("%s could not be enqueued (%s); the sweep will find it", stage, type(error).__name__)
            return False
        return True

    def close(self) -> None:
        """Close the connections."""
        self._celery.close()
