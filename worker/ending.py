"""End a worker on SIGTERM: running tasks may finish within a set time; the rest is left to other workers.

Celery's soft shutdown does this, but with three problems. SIGTERM starts it only if REMAP_SIGTERM=SIGQUIT was in the
environment when billiard was first imported, which happens before this module is loaded; so this module sets the
variable and reloads billiard's module, and every worker ends in the same way, however it was started. The soft shutdown
always sleeps for the whole time, even if no task is running. And it waits for threads until their last call has ended,
which may take a minute too long.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
import threading
import time
from typing import Any

import billiard.common  # type: ignore[import-untyped]  # it ships no types
from celery import bootsteps
from celery.concurrency.thread import TaskPool
from celery.worker import state

logger = logging.getLogger(__name__)

#: Running tasks may go on for this long after SIGTERM. `afterturn up` and Compose must wait longer before SIGKILL.
SOFT_SECONDS = 20
#: The same for workers with processes. Their tasks are short; the worker cannot see earlier that they have ended.
SOFT_SECONDS_OF_PROCESSES = 5
#: The time after that for closing the connections to the broker.
LAST_SECONDS = 2.0
_POLL_SECONDS = 0.05
EXIT_CODE = 1


def remap_sigterm() -> None:
    """Make SIGTERM begin the soft shutdown. Must be called before Celery's worker is imported."""
    if os.environ.get("REMAP_SIGTERM") or "celery.apps.worker" in sys.modules:
        return
    os.environ["REMAP_SIGTERM"] = "SIGQUIT"
    importlib.reload(billiard.common)


class EndInTime(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery ships no types
    """A step of the worker that limits the duration of its shutdown."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        #: The deadline by time.monotonic(); set when the shutdown begins.
        self._ends_at: float | None = None

    def start(self, worker: Any) -> None:
        if not isinstance(worker.pool, TaskPool):
            worker.wait_for_soft_shutdown = _wait_for_processes
            return
        worker.wait_for_soft_shutdown = self._wait_for_threads
        worker.pool.on_stop = lambda: self._leave_threads(worker.pool)
        # A thread cannot be terminated. Celery calls this method, and would report a crash if it raised an error.
        worker.pool.terminate_job = lambda *_: None

    def _wait_for_threads(self) -> None:
        """Wait until no task is running or the time is over. The signal handler calls this in the main thread."""
        logger.warning("Initiating Soft Shutdown: up to %d s for %d tasks", SOFT_SECONDS, len(state.active_requests))
        while tuple(state.active_requests) and self._seconds_left() > 0:
            time.sleep(_POLL_SECONDS)

    def _seconds_left(self) -> float:
        now = time.monotonic()
        self._ends_at = self._ends_at or now + SOFT_SECONDS
        return self._ends_at - now

    def _leave_threads(self, pool: Any) -> None:
        """Wait for the threads within the remaining time. If some still run, end the process shortly afterwards.

        Their leases lapse, and other workers do their work.
        """
        pool.executor.shutdown(wait=False, cancel_futures=True)
        threads = tuple(pool.executor._threads)
        for thread in threads:
            thread.join(max(_POLL_SECONDS, self._seconds_left()))
        if any(thread.is_alive() for thread in threads):
            logger.warning("what still runs is left to others")
            # At exit Python would wait for the threads, without a limit.
            last = threading.Timer(LAST_SECONDS, os._exit, (EXIT_CODE,))
            last.daemon = True
            last.start()


def _wait_for_processes() -> None:
    if tuple(state.active_requests):
        logger.warning("Initiating Soft Shutdown: %d s", SOFT_SECONDS_OF_PROCESSES)
        time.sleep(SOFT_SECONDS_OF_PROCESSES)
