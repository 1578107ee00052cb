"""Beat's scheduler: it uses the monotonic clock, reads no file, and retries the broker without a limit of attempts.

Celery's own scheduler compares the wall clock with the time of the last run, which it stores in a file: after the clock
steps back by an hour, it sends nothing for an hour. It also exits on errors of Redis that are not connection errors.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from celery import beat

logger = logging.getLogger(__name__)

#: A message that could not be sent is sent again after this time. Longer: the sweep begins later after an outage.
RETRY_SECONDS = 1.0
#: Beat sleeps at least this long between two checks.
SHORTEST_SLEEP_SECONDS = 0.01


class MonotonicScheduler(beat.Scheduler):  # type: ignore[misc]  # Celery ships no types
    """Sends each entry immediately after the start, and then at its interval. Missed times are skipped."""

    def __init__(
        self,
        *arguments: Any,
        schedule_filename: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        **options: Any,
    ) -> None:
        """Set the file that is touched whenever the broker took a message, and the clock, in seconds.

        The other arguments are those of Celery's scheduler.
        """
        self._clock = clock
        self._touched = Path(schedule_filename) if schedule_filename else None
        #: Entry -> its next due time, by the clock; missing: now.
        self._due: dict[str, float] = {}
        self._has_failed = False
        super().__init__(*arguments, **options)

    def tick(self) -> float:
        """Send the due entries; return the seconds until the next one is due."""
        for name, entry in self.schedule.items():
            now = self._clock()
            if self._due.get(name, now) <= now:
                seconds = entry.schedule.run_every.total_seconds()
                self._due[name] = now + (seconds if self._try_to_send(entry) else min(seconds, RETRY_SECONDS))
        return max(SHORTEST_SLEEP_SECONDS, min(self._due.values(), default=self.max_interval) - self._clock())

    def _try_to_send(self, entry: Any) -> bool:
        """Send a message, and return whether the broker took it. Failures in a row are logged once."""
        try:
            self.apply_async(entry, producer=self.producer, advance=False)
        except Exception as error:
            if not self._has_failed:
                cause = error.__cause__ or error
                logger.error("the broker fails, and is tried again: %s: %s", type(cause).__name__, cause)
            self._has_failed = True
            self._disconnect()
            return False
        if self._has_failed:
            logger.info("the broker answers again")
        self._has_failed = False
        if self._touched is not None:
            self._touched.touch()
        return True

    def _disconnect(self) -> None:
        """Drop the connection. The next message is sent over a new one, perhaps to another server."""
        self.__dict__.pop("producer", None)
        connection = self.__dict__.pop("connection", None)
        if connection is not None:
            connection.collect()

    def _ensure_connected(self) -> Any:
        """Connect once. Celery's scheduler would wait here, for up to 30 s between two attempts."""
        return self.connection.ensure_connection(max_retries=0)
