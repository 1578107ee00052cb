"""Whether a database answered lately. All threads, event loops and pools of this process share what one has found out.

While it is away, only one caller a second tries to connect. All others are answered at once, so that a recall can use
Redis instead.
"""

from __future__ import annotations

import functools
import time

from afterturn.database.connect_errors import ConnectFailed, describe_error

#: For this long callers do not try again after a failure. Longer: recall uses Redis alone although the server is back.
#: Shorter: more calls wait for a server whose host does not answer.
REMEMBER_SECONDS = 1.0
#: How long the caller that tries again waits. A connection that takes longer is used as soon as it is there.
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

    def note_failure(self, error: BaseException) -> None:
        """Remember that a connection could not be opened, or that a statement got no answer."""
        now = time.monotonic()
        if self._failure is None:
            self._away_since = now
        self._failure, self._retry_at = error, now + REMEMBER_SECONDS

    def note_success(self) -> None:
        """Remember that a connection was opened."""
        self._failure = None

    @property
    def away_seconds(self) -> float:
        """For how long it has been away; 0 if it is not known to be away."""
        return 0.0 if self._failure is None else time.monotonic() - self._away_since

    @staticmethod
    def make_error(failure: BaseException) -> ConnectFailed:
        """Return a new error for one caller. (One that several threads raise would collect their tracebacks.)"""
        return ConnectFailed(describe_error(failure))


@functools.cache
def get_availability(connection_string: str) -> Availability:
    """Return what this process knows of the database."""
    return Availability()
