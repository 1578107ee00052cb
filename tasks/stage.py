"""The decorator of all tasks: it sets the name, and checks the version of the message."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

from celery import shared_task

from afterturn.pipeline.enqueue import MESSAGE_VERSION, task_name

logger = logging.getLogger(__name__)


def stage(name: str) -> Callable[[Callable[..., None]], Any]:
    """Make a function the Celery task of a stage. It is called with the message's ids.

    A message of a newer release is skipped: the sweep enqueues the work again for a worker of that release. Messages of
    older releases are accepted (so far there is only version 1).
    """

    def as_task(function: Callable[..., None]) -> Any:
        @shared_task(name=task_name(name))
        @functools.wraps(function)
        def run(version: int, *ids: Any) -> None:
            if version > MESSAGE_VERSION:
                logger.warning("%s: a message of version %d is left to newer workers", name, version)
                return
            function(*ids)

        return run

    return as_task
