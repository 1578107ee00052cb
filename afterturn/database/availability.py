"""Remember whether a database answers. All threads, event loops and pools of this process share the result.

While the database is away, one caller per second tries to connect. All others get the error immediately, so that a
recall can use Redis instead.
"""

from __future__ import annotations

import functools
import time

from afterturn.database.connect_errors import ConnectFailed, describe_error

#: The time without a new attempt after a failure. Longer: recall uses Redis alone although the server is back.
#: Shorter: more calls wait for a server whose host does not answer.
REMEMBER_SECONDS = 1.0
#: The longest wait of the caller that tries again. A connection that takes longer is used when it is ready.
RETRY_TIMEOUT_SECONDS = 1.0


class Availability:
    """Whether one database answers. Needs no lock: each change is one assignment, and the last one counts."""

    def __init__(self) -> None:
        self._failure: BaseException | None = None
        #: Since when it is away, and when the next caller may try, by time.monotonic().
        self._away_since = 0.0
        self._retry_at = 0.0

    def admit_caller(self) -> bool:
        """Return whether this caller is the one that tries again. Raises ConnectFailed if the database is away."""
        failure = self._failure
        if failure is None:
            return False
        now = time.monotonic()
        if now < self._retry_at:
            raise self.make_error(failure)
        self._retry_at = now + REMEMBER_SECONDS
        return True

    def record_failure(self, error: BaseException) -> None:
        """Record that a connection could not be opened, or that a statement got no answer."""
        now = time.monotonic()
        if self._failure is None:
            self._away_since = now
        self._failure, self._retry_at = error, now + REMEMBER_SECONDS

    def record_success(self) -> None:
        """Record that a connection was opened."""
        self._failure = None

    @property
    def away_seconds(self) -> float:
        """The duration of the outage so far; 0 without an outage."""
        return 0.0 if self._failure is None else time.monotonic() - self._away_since

    @staticmethod
    def make_error(failure: BaseException) -> ConnectFailed:
        """Return a new error for one caller. (A shared error would collect the tracebacks of several threads.)"""
        return ConnectFailed(describe_error(failure))


@functools.cache
def get_availability(connection_string: str) -> Availability:
    """Return the availability of this database, one object per process."""
    return Availability()
