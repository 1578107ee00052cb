"""Wake the consumer when a thread has finished its task.

Celery's consumer sleeps until the broker sends something. At the prefetch limit it does not ask the broker, so it
sleeps for up to two seconds while threads that have finished are idle. A result of a process wakes it; that of a thread
does not.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

from celery import bootsteps
from celery.concurrency.thread import TaskPool


class WakeConsumer(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery ships no types
    """A step of a worker with threads: each finished task writes a byte into a pipe that the consumer's loop reads."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._readable, self._writable = -1, -1

    def include_if(self, worker: Any) -> bool:
        return bool(worker.use_eventloop)

    def start(self, worker: Any) -> None:
        if not isinstance(worker.pool, TaskPool):
            return
        self._readable, self._writable = os.pipe()
        os.set_blocking(self._readable, False)
        os.set_blocking(self._writable, False)
        apply = worker.pool.on_apply

        def apply_and_wake(*arguments: Any, **options: Any) -> Any:
            result = apply(*arguments, **options)
            result.f.add_done_callback(self._wake)  # called after the message was acknowledged
            return result

        worker.pool.on_apply = apply_and_wake

    def register_with_event_loop(self, worker: Any, hub: Any) -> None:
        """Add the pipe to the event loop. Celery calls this again after each reconnection to the broker."""
        if self._readable >= 0:
            hub.add_reader(self._readable, self._drain)

    def _wake(self, _: object) -> None:
        # If the pipe is full, the consumer is woken anyway.
        with contextlib.suppress(BlockingIOError):
            os.write(self._writable, b"\0")

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._readable, 4096)
