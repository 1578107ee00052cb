"""The producer: stages are enqueued by name, so that nobody who enqueues needs to import the tasks.

A message is only a hint and carries ids. Losing one costs time, never work: the sweep finds what is owed.
"""

from __future__ import annotations

import logging
from typing import Any

logger = logging.getLogger(__name__)

#: The stages in the order of the flow; each has a task `afterturn.<stage>` and a queue of its name.
STAGES = ("sweep", "archive", "extract", "embed", "judge", "consolidate", "summarize", "sleep", "index", "erase")

#: Version of the messages: the first argument of every task, so that a rolling upgrade can tell them apart.
MESSAGE_VERSION = 1


def task_name(stage: str) -> str:
    """Return the name of a stage's Celery task."""
    return f"afterturn.{stage}"


def broker_urls(url: str) -> dict[str, str]:
    """Return the broker's URL as Celery settings, all of them: alone, each would yield to CELERY_BROKER_URL.

    That variable is the agent's own, where the agent uses Celery as well.
    """
    return {"broker_url": url, "broker_read_url": url, "broker_write_url": url}


class Enqueue:
    """Sends hints to the workers. Safe to share between threads; connects on the first one."""

    def __init__(self, broker_url: str) -> None:
        # Whoever only wants to know the stages' names needs no Celery.
        from celery import Celery

        self._celery = Celery("afterturn-producer", set_as_current=False)
        self._celery.conf.update(
            **broker_urls(broker_url),
            task_ignore_result=True,
            task_serializer="json",
            broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 5},
        )

    def send(self, stage: str, *arguments: Any) -> bool:
        """Enqueue one stage with ids as arguments. Returns False, and logs, when the broker is away."""
        from kombu.exceptions import OperationalError

        try:
            self._celery.send_task(
                task_name(stage), args=(MESSAGE_VERSION, *arguments), queue=stage, ignore_result=True, retry=False
            )
        except (OperationalError, OSError) as error:
            logger.warning("%s could not be enqueued (%s); the sweep will find it", stage, type(error).__name__)
            return False
        return True

    def close(self) -> None:
        """Close the connections."""
        self._celery.close()
