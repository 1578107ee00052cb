"""The consumer: it never gives the broker up, and connects again as soon as the broker answers.

Celery's consumer waits for up to 30 s between two attempts, and repeats a start that fails at once, five times per
second.
"""

from __future__ import annotations

import time
from typing import Any

from celery.utils.log import get_logger
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown

logger = get_logger(__name__)

#: The pause after a failure is doubled with each further one, from the shortest to the longest. Longer: work waits
#: after an outage. Shorter: an outage costs more attempts, and lines in the log.
SHORTEST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 4.0
#: A start that held for this long ends a row of failures.
HELD_SECONDS = 10.0
_POLL_SECONDS = 0.1


class PatientConsumer(Consumer):  # type: ignore[misc]  # Celery ships no types
    """The consumer of both pools."""

    _pause_seconds = SHORTEST_PAUSE_SECONDS
    #: The last failure by time.monotonic().
    _failed_at = float("-inf")

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Say what failed and wait, before Celery starts all parts of the consumer again."""
        self._say(exc)
        try:
            self.connection.collect()
        except Exception as error:
            logger.debug("the old connection could not be closed: %s", error)
        self._wait()

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        self._say(exc)
        self._wait()

    def ensure_connected(self, conn: Any) -> Any:
        """Connect, however long it takes."""
        return conn.ensure_connection(
            lambda error, _interval: self._say(error),
            None,
            interval_start=SHORTEST_PAUSE_SECONDS,
            interval_step=SHORTEST_PAUSE_SECONDS,
            interval_max=LONGEST_PAUSE_SECONDS,
            callback=maybe_shutdown,
        )

    def _say(self, error: Exception) -> None:
        logger.error("the broker fails, and is tried again: %s: %s", type(error).__name__, error)

    def _wait(self) -> None:
        """Wait for the pause, or until the worker is to end."""
        now = time.monotonic()
        has_held = now - self._failed_at > HELD_SECONDS
        self._pause_seconds = (
            SHORTEST_PAUSE_SECONDS if has_held else min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
        )
        self._failed_at = now + self._pause_seconds
        while time.monotonic() < self._failed_at:
            maybe_shutdown()
            time.sleep(_POLL_SECONDS)
