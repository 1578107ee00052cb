"""The consumer: it reconnects to the broker without a limit of attempts.

Celery's consumer waits for up to 30 s between two attempts, and repeats a start that fails immediately five times per
second.
"""

from __future__ import annotations

import time
from typing import Any

from celery.utils.log import get_logger
from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown

logger = get_logger(__name__)

#: The pause doubles with each further failure, from the shortest to the longest. Longer: work waits after an outage.
#: Shorter: an outage causes more attempts and more lines in the log.
SHORTEST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 4.0
#: After this time without a failure, the pause starts again from the shortest.
STABLE_SECONDS = 10.0
_POLL_SECONDS = 0.1


class PatientConsumer(Consumer):  # type: ignore[misc]  # Celery ships no types
    """The consumer of both pools."""

    _pause_seconds = SHORTEST_PAUSE_SECONDS
    #: The last failure by time.monotonic().
    _failed_at = float("-inf")

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Log the error and wait, before Celery starts all parts of the consumer again."""
        self._log(exc)
        try:
            self.connection.collect()
        except Exception as error:
            logger.debug("the old connection could not be closed: %s", error)
        self._wait()

    def on_connection_error_before_connected(self, exc: Exception) -> None:
        self._log(exc)
        self._wait()

    def ensure_connected(self, conn: Any) -> Any:
        """Connect. The number of attempts is not limited."""
        return conn.ensure_connection(
            lambda error, _interval: self._log(error),
            None,
            interval_start=SHORTEST_PAUSE_SECONDS,
            interval_step=SHORTEST_PAUSE_SECONDS,
            interval_max=LONGEST_PAUSE_SECONDS,
            callback=maybe_shutdown,
        )

    def _log(self, error: Exception) -> None:
        logger.error("the broker fails, and is tried again: %s: %s", type(error).__name__, error)

    def _wait(self) -> None:
        """Wait for the pause, or until the worker must end."""
        now = time.monotonic()
        was_stable = now - self._failed_at > STABLE_SECONDS
        self._pause_seconds = (
            SHORTEST_PAUSE_SECONDS if was_stable else min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
        )
        self._failed_at = now + self._pause_seconds
        while time.monotonic() < self._failed_at:
            maybe_shutdown()
            time.sleep(_POLL_SECONDS)
