"""Restart parts of a stack that exit: its own servers, and the services.

The pause before each restart grows, so that the log stays readable and the machine usable.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from afterturn.errors import AfterturnError
from afterturn.local import services
from afterturn.local.process import ChildProcess
from afterturn.local.stack import Stack

#: The pause before a restart doubles with each death in a row, from the shortest to the longest. Longer: a single
#: death interrupts the service for longer. Shorter: a part that cannot start uses up the machine.
SHORTEST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
#: When a part has run for this long, its next death is counted as the first.
STABLE_SECONDS = 60.0


@dataclass(slots=True, kw_only=True)
class PartHistory:
    """The exits and starts of a part. Times are by time.monotonic()."""

    #: How often it has exited in a row.
    deaths: int = 0
    #: How it ended the last time: "exit code 1".
    ended: str = ""
    #: How long it waited, or waits, for its next start after the last death.
    pause_seconds: float = 0.0
    #: When it is started again; None while it runs.
    starts_at: float | None = None
    #: When it was started the last time.
    started_at: float = 0.0
    #: Whether it was ready since its last start.
    is_ready: bool = True


@dataclass(frozen=True, slots=True)
class _Part:
    title: str
    process: ChildProcess
    start: Callable[[], object]
    is_ready: Callable[[], bool]


#: A callback; its arguments: the title of a part, its history, and the end of its log or the error of its start.
Announce = Callable[[str, PartHistory, str], None]


class Supervisor:
    """Restarts the parts of a started stack. Call `check` a few times per second."""

    def __init__(self, stack: Stack, *, died: Announce, restarted: Callable[[str], None]) -> None:
        """Supervise a stack.

        Args:
            stack: the started stack.
            died: is called when a part has ended, or cannot be started again.
            restarted: is called with the title of a part that is ready again.
        """
        self._stack = stack
        self._died = died
        self._restarted = restarted
        self._histories: dict[str, PartHistory] = {}

    def check(self) -> None:
        """Find parts that have exited, and restart those whose pause is over."""
        for part in self._parts():
            history = self._histories.setdefault(part.title, PartHistory())
            if history.starts_at is not None:
                if time.monotonic() >= history.starts_at:
                    self._start(part, history)
            elif not part.process.is_running:
                self._record_death(part.title, history, part.process.exit_description, part.process.log_tail())
            elif not history.is_ready:
                self._wait_for(part, history)

    def restarting(self) -> dict[str, PartHistory]:
        """Return the parts that have exited and have not yet run for STABLE_SECONDS since."""
        now = time.monotonic()
        return {
            title: history
            for title, history in self._histories.items()
            if history.deaths and (history.starts_at is not None or now - history.started_at < STABLE_SECONDS)
        }

    def _parts(self) -> Iterator[_Part]:
        """Yield servers before the services that use them."""
        for name, server in (("redis", self._stack.redis), ("postgres", self._stack.postgres)):
            if server is not None and server.process is not None:
                # It is ready when `start` returns.
                yield _Part(name, server.process, server.start, lambda: True)
        for service in self._stack.services:
            yield _Part(service.title, service.process, service.process.start, service.is_ready)

    def _start(self, part: _Part, history: PartHistory) -> None:
        history.started_at = time.monotonic()
        try:
            part.start()
        except (AfterturnError, OSError) as error:
            self._record_death(part.title, history, "it cannot be started", str(error))
            return
        history.starts_at, history.is_ready = None, False

    def _wait_for(self, part: _Part, history: PartHistory) -> None:
        if part.is_ready():
            history.is_ready = True
            self._restarted(part.title)
        elif time.monotonic() - history.started_at > services.START_SECONDS:
            part.process.kill()
            self._record_death(part.title, history, "it was not ready in time", part.process.log_tail())

    def _record_death(self, title: str, history: PartHistory, ended: str, log: str) -> None:
        now = time.monotonic()
        was_stable = history.is_ready and now - history.started_at > STABLE_SECONDS
        history.deaths = 1 if was_stable else history.deaths + 1
        history.ended = ended
        history.pause_seconds = min(LONGEST_PAUSE_SECONDS, SHORTEST_PAUSE_SECONDS * 2 ** (history.deaths - 1))
        history.starts_at, history.is_ready = now + history.pause_seconds, True
        self._died(title, history, log)
