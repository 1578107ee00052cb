"""How much longer work takes on this machine than it would if nothing else ran on it."""

from __future__ import annotations

import threading
import time

#: Work that is measured, in seconds of a processor, and the pause after it. Shorter work is let in before others: it
#: would find no machine busy.
WORK_SECONDS, PAUSE_SECONDS = 0.01, 0.2
#: Nobody waits longer for what is measured: the thread ends, also where nobody stops it.
LIFETIME_SECONDS = 300.0


class Slowdown:
    """Measures from its start to its stop, in a thread that works a little now and then."""

    def __init__(self) -> None:
        self._passed_seconds = self._worked_seconds = 0.0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._measure, name="slowdown", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> float:
        """End the measurement; return how many times as long as on an idle machine work took: 1 or more."""
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
