"""Replay recorded sessions through the client, and wait until all turns are processed."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from psycopg_pool import ConnectionPool

from afterturn import MemoryClient
from afterturn.database import steps
from afterturn.database.connect_errors import translate_connection_errors
from afterturn.database.pool import Connection
from afterturn.local.stack import Stack
from afterturn.settings import Settings
from afterturn.watching import progress
from afterturn.watching.progress import Progress
from api_shim.cli.demo.display import Display
from api_shim.cli.demo.failure import DemoFailed
from api_shim.cli.demo.recorded import RecordedSession

AGENT_ID = "demo"
#: How often the counts are read and shown.
READ_SECONDS = 0.1
#: The form of a worker's log line: "[2025-01-14 19:05:00,000: WARNING/…] …". The last line in text order is the latest.
_WARNING = re.compile(r"\[[-\d :,]+: (?:WARNING|ERROR)/(?!.*(?:no LLM is configured|is paused$))")


class ProgressWatcher:
    """Reads the progress of the turns, and shows it."""

    def __init__(self, pool: ConnectionPool[Connection], tenant_id: str, display: Display) -> None:
        self._pool = pool
        self._tenant_id = tenant_id
        self._display = display
        self._read_at = float("-inf")

    def read_progress(self) -> Progress:
        """Read, show and return the counts. Raises MemoryUnavailable, and DemoFailed if a batch is dead."""
        self._read_at = time.monotonic()
        with translate_connection_errors(), self._pool.connection() as connection:
            counts = steps.run(connection, progress.read_progress(self._tenant_id))
            dead = steps.run(connection, progress.read_dead_reasons(self._tenant_id)) if counts.dead_batches else {}
        self._display.show_progress(counts)
        if dead:
            reasons = "; ".join(f"{reason} ({batches} of {counts.batches})" for reason, batches in dead.items())
            raise DemoFailed(f"batches are dead: {reasons}")
        return counts

    def show_written(self, turns: int) -> None:
        """Show the number of written turns, and every READ_SECONDS the counts."""
        self._display.show_written(turns)
        if time.monotonic() - self._read_at > READ_SECONDS:
            self.read_progress()


def write_turns(
    sessions: Sequence[RecordedSession], settings: Settings, *, on_written: Callable[[int], None], pause_seconds: float
) -> list[float]:
    """Write all turns, flush after each session, and return the seconds that each write took.

    Args:
        sessions: the sessions to write, in order.
        settings: the settings of the clients.
        on_written: called after each turn with the number of written turns.
        pause_seconds: the pause after each turn. Without one, all turns are in Redis before the first is archived.

    Raises MemoryUnavailable.
    """
    seconds: list[float] = []
    for session in sessions:
        client = MemoryClient(session.user_id, session.session_id, AGENT_ID, settings=settings)
        for turn in session.turns:
            began = time.perf_counter()
            client.write(turn.role, turn.content, turn_id=turn.turn_id, name=turn.name, occurred_at=turn.occurred_at)
            seconds.append(time.perf_counter() - began)
            on_written(len(seconds))
            time.sleep(pause_seconds)
        client.flush()
    return seconds


def wait_until_settled(stack: Stack, watcher: ProgressWatcher, *, turns: int, timeout_seconds: float) -> Progress:
    """Wait until all `turns` are archived, processed and summarized, and return the counts.

    Raises DemoFailed if a service dies, a batch is dead, or the time is over; MemoryUnavailable.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        counts = watcher.read_progress()
        if counts.archived_turns >= turns and counts.is_settled:
            return counts
        if (ended := stack.ended()) is not None:
            raise DemoFailed(
                f"{ended.name} has ended ({ended.exit_description}); the end of its log:\n{ended.log_tail()}"
            )
        if time.monotonic() > deadline:
            raise DemoFailed(_overdue(counts, turns, timeout_seconds) + _last_warning(stack))
        time.sleep(READ_SECONDS)


def _overdue(counts: Progress, turns: int, timeout_seconds: float) -> str:
    return (
        f"not all turns were processed within {timeout_seconds:g} s. Of {turns} turns {counts.archived_turns} are "
        f"archived, {counts.extracted_turns} extracted, {counts.embedded_turns} embedded, {counts.applied_turns} "
        f"applied; {counts.summarized_sessions} of {counts.sessions} sessions are summarized. No turn is lost. "
        "Use a longer --timeout, or keep the logs (--data-dir DIR) and read DIR/logs."
    )


def _last_warning(stack: Stack) -> str:
    """Return the last warning of the workers' logs, on its own line; empty if there is none."""
    lines = [line for service in stack.services for line in _lines(service.process.log_path) if _WARNING.match(line)]
    return f"\nThe workers' last warning: {max(lines)}" if lines else ""


def _lines(log: Path) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return log.read_text(encoding="utf-8", errors="replace").splitlines()
    return []
