"""Replaying recorded sessions through the client, and waiting until all of it has become memory."""

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
LOOK_SECONDS = 0.1
#: As workers log: "[2025-01-14 19:05:00,000: WARNING/…] …", so that the greatest line is the last one.
_WARNING = re.compile(r"\[[-\d :,]+: (?:WARNING|ERROR)/(?!.*(?:no LLM is configured|is paused$))")


class Watch:
    """Reads how far the turns have come, and shows it."""

    def __init__(self, pool: ConnectionPool[Connection], tenant_id: str, display: Display) -> None:
        self._pool = pool
        self._tenant_id = tenant_id
        self._display = display
        self._looked_at = float("-inf")

    def look(self) -> Progress:
        """Read and show the counts now. Raises MemoryUnavailable, and DemoFailed when a batch was given up."""
        self._looked_at = time.monotonic()
        with translate_connection_errors(), self._pool.connection() as connection:
            counts = steps.run(connection, progress.read_progress(self._tenant_id))
            dead = steps.run(connection, progress.read_dead_reasons(self._tenant_id)) if counts.dead_batches else {}
        self._display.reached(counts)
        if dead:
            reasons = "; ".join(f"{reason} ({batches} of {counts.batches})" for reason, batches in dead.items())
            raise DemoFailed(f"batches were given up: {reasons}")
        return counts

    def written(self, turns: int) -> None:
        """Show how many turns are written, and now and then the counts."""
        self._display.written(turns)
        if time.monotonic() - self._looked_at > LOOK_SECONDS:
            self.look()


def write(
    sessions: Sequence[RecordedSession], settings: Settings, *, tell: Callable[[int], None], pause_seconds: float
) -> list[float]:
    """Write all turns, one by one, and end each session with a flush. Returns how many seconds each write took.

    `tell` is told after each turn how many are written. `pause_seconds` pass between two turns; without a pause all
    of them are in Redis before the first one is archived. Raises MemoryUnavailable.
    """
    seconds: list[float] = []
    for session in sessions:
        client = MemoryClient(session.user_id, session.session_id, AGENT_ID, settings=settings)
        for turn in session.turns:
            began = time.perf_counter()
            client.write(turn.role, turn.content, turn_id=turn.turn_id, name=turn.name, occurred_at=turn.occurred_at)
            seconds.append(time.perf_counter() - began)
            tell(len(seconds))
            time.sleep(pause_seconds)
        client.flush()
    return seconds


def wait_until_settled(stack: Stack, watch: Watch, *, turns: int, timeout_seconds: float) -> Progress:
    """Return the counts when all `turns` are archived, have become facts, and are summarized.

    Raises DemoFailed when a service dies, a batch is given up, or the time is over; MemoryUnavailable.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        counts = watch.look()
        if counts.archived_turns >= turns and counts.is_settled:
            return counts
        if (ended := stack.ended()) is not None:
            raise DemoFailed(f"{ended.name} has ended ({ended.exit_description}); its last words:\n{ended.log_tail()}")
        if time.monotonic() > deadline:
            raise DemoFailed(_overdue(counts, turns, timeout_seconds) + _last_warning(stack))
        time.sleep(LOOK_SECONDS)


def _overdue(counts: Progress, turns: int, timeout_seconds: float) -> str:
    return (
        f"not everything arrived within {timeout_seconds:g} s. Of {turns} turns {counts.archived_turns} are archived, "
        f"{counts.extracted_turns} extracted, {counts.embedded_turns} embedded, {counts.applied_turns} applied; "
        f"{counts.summarized_sessions} of {counts.sessions} sessions are summarized. No turn is lost by it. "
        "Give it a longer --timeout, or keep the logs (--data-dir DIR) and look into DIR/logs."
    )


def _last_warning(stack: Stack) -> str:
    """The last thing that a worker warned of, on lines of its own; empty when there is nothing."""
    lines = [line for service in stack.services for line in _lines(service.process.log_path) if _WARNING.match(line)]
    return f"\nThe workers' last warning: {max(lines)}" if lines else ""


def _lines(log: Path) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return log.read_text(encoding="utf-8", errors="replace").splitlines()
    return []
