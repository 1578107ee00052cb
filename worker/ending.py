"""How a worker ends on SIGTERM: it finishes what it can within a set time, and leaves the rest to others.

Celery has a soft shutdown for this, and three habits that stand in its way. It takes SIGTERM for it only where
REMAP_SIGTERM=SIGQUIT stood in the environment when billiard was first imported, which happens before this module is
loaded: it is read again here, so that every worker of ours ends alike, however it was started. It sleeps through the
whole time, also when nothing runs any more. And threads are waited for until their last call has ended, which may take
a minute too long.
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

#: What runs on SIGTERM may go on for this long. Less than what `afterturn up` and Compose wait before SIGKILL.
SOFT_SECONDS = 20
#: The tasks of processes are short transactions; whether one has ended is not seen while waiting.
SOFT_SECONDS_OF_PROCESSES = 5
#: After that: for taking leave of the broker.
LAST_SECONDS = 2.0
_LOOK_SECONDS = 0.05
EXIT_CODE = 1


def remap_sigterm() -> None:
    """Make SIGTERM begin the soft shutdown. Must come before Celery's worker is imported."""
    if os.environ.get("REMAP_SIGTERM") or "celery.apps.worker" in sys.modules:
        return
    os.environ["REMAP_SIGTERM"] = "SIGQUIT"
    importlib.reload(billiard.common)


class EndInTime(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery ships no types
    """Part of a worker: bounds how long its end may take."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        #: By time.monotonic(); set when the worker is told to end.
        self._ends_at: float | None = None

    def start(self, worker: Any) -> None:
        if not isinstance(worker.pool, TaskPool):
            worker.wait_for_soft_shutdown = _wait_for_processes
            return
        worker.wait_for_soft_shutdown = self._wait_for_threads
        worker.pool.on_stop = lambda: self._leave_threads(worker.pool)
        # Celery asks for it, and takes the refusal for a crash. A thread cannot be ended.
        worker.pool.terminate_job = lambda *_: None

    def _wait_for_threads(self) -> None:
        """Wait until nothing runs any more, or the time is over. Called by the signal's handler, in the main thread."""
        logger.warning("Initiating Soft Shutdown: up to %d s for %d tasks", SOFT_SECONDS, len(state.active_requests))
        while tuple(state.active_requests) and self._seconds_left() > 0:
            time.sleep(_LOOK_SECONDS)

    def _seconds_left(self) -> float:
        now = time.monotonic()
        self._ends_at = self._ends_at or now + SOFT_SECONDS
        return self._ends_at - now

    def _leave_threads(self, pool: Any) -> None:
        """Wait for the threads where nobody has yet; then leave those that hang to the end of the process.

        Their leases lapse, and somebody else does their work.
        """
        pool.executor.shutdown(wait=False, cancel_futures=True)
        threads = tuple(pool.executor._threads)
        for thread in threads:
            thread.join(max(_LOOK_SECONDS, self._seconds_left()))
        if any(thread.is_alive() for thread in threads):
            logger.warning("what still runs is left to others")
            # Python itself would wait for the threads at its end.
            last = threading.Timer(LAST_SECONDS, os._exit, (EXIT_CODE,))
            last.daemon = True
            last.start()


def _wait_for_processes() -> None:
    if tuple(state.active_requests):
        logger.warning("Initiating Soft Shutdown: %d s", SOFT_SECONDS_OF_PROCESSES)
        time.sleep(SOFT_SECONDS_OF_PROCESSES)
