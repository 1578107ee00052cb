"""Measure how much longer work takes on this machine than on an idle one."""

from __future__ import annotations

import threading
import time

#: The measured work in seconds of processor time, and the pause after it. The scheduler prefers shorter work, which
#: would then find the machine idle.
WORK_SECONDS, PAUSE_SECONDS = 0.01, 0.2
#: The thread ends after this time even if it is not stopped.
LIFETIME_SECONDS = 300.0


class Slowdown:
    """Measures from `start` to `stop`, in a thread that works for a short time periodically."""

    def __init__(self) -> None:
        self._passed_seconds = self._worked_seconds = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._measure, name="slowdown", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> float:
        """End the measurement. Return the time of work divided by its time on an idle machine: 1 or more."""
        self._stopped.set()
        self._thread.join()
        return max(1.0, self._passed_seconds / self._worked_seconds)

    def _measure(self) -> None:
        ends_at = time.monotonic() + LIFETIME_SECONDS
        while True:
            began, began_working = time.perf_counter(), time.thread_time()
            while time.thread_time() - began_working < WORK_SECONDS:
                pass
            self._worked_seconds += time.thread_time() - began_working
            self._passed_seconds += time.perf_counter() - began
            if self._stopped.wait(PAUSE_SECONDS) or time.monotonic() > ends_at:
                return
