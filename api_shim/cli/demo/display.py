"""Show the progress of the turns through the stages: bars on a terminal, lines of text elsewhere."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn
from rich.progress import Progress as Bars

from afterturn.watching.progress import Progress

BAR_WIDTH = 32
#: The shortest time between two lines, except before the last one.
LINE_SECONDS = 1.0


class Display(Protocol):
    """Shows the progress of the turns; a context manager."""

    def show_written(self, turns: int) -> None:
        """Show the number of written turns."""

    def show_progress(self, counts: Progress) -> None:
        """Show the counts of each stage."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


def make_display(console: Console, *, turns: int, sessions: int) -> Display:
    """Return the display for this console and these numbers of turns and sessions."""
    if console.is_terminal:
        return BarDisplay(console, turns=turns, sessions=sessions)
    return LineDisplay(console, turns=turns, sessions=sessions)


class BarDisplay:
    """One bar for each stage."""

    def __init__(self, console: Console, *, turns: int, sessions: int) -> None:
        self._bars = Bars(
            TextColumn("  {task.description:<11}"),
            BarColumn(bar_width=BAR_WIDTH, complete_style="cyan", finished_style="green"),
            MofNCompleteColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {
            stage: self._bars.add_task(stage, total=sessions if stage == "summarized" else turns, note="turns")
            for stage in ("written", "archived", "extracted", "embedded", "applied", "summarized")
        }
        self._show("summarized", 0, "sessions")

    def _show(self, stage: str, completed: int, note: str) -> None:
        self._bars.update(self._tasks[stage], completed=completed, note=note)

    def show_written(self, turns: int) -> None:
        self._show("written", turns, "turns")

    def show_progress(self, counts: Progress) -> None:
        self._show("archived", counts.archived_turns, "turns")
        self._show("extracted", counts.extracted_turns, f"turns, in {counts.batches} batches")
        self._show("embedded", counts.embedded_turns, "turns")
        self._show("applied", counts.applied_turns, f"turns, {_facts(counts)}")
        self._show("summarized", counts.summarized_sessions, "sessions")

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()


class LineDisplay(AbstractContextManager["LineDisplay"]):
    """Prints a line when the counts have changed."""

    def __init__(self, console: Console, *, turns: int, sessions: int) -> None:
        self._console = console
        self._turns = turns
        self._sessions = sessions
        self._written = 0
        self._last = ""
        self._printed_at = time.monotonic()

    def show_written(self, turns: int) -> None:
        self._written = turns

    def show_progress(self, counts: Progress) -> None:
        line = (
            f"  written {self._written}  archived {counts.archived_turns}  extracted {counts.extracted_turns}  "
            f"embedded {counts.embedded_turns}  applied {counts.applied_turns} of {self._turns} turns  "
            f"summarized {counts.summarized_sessions} of {self._sessions} sessions  {_facts(counts)}"
        )
        is_complete = counts.is_settled and counts.archived_turns == self._turns
        if line != self._last and (is_complete or time.monotonic() - self._printed_at > LINE_SECONDS):
            self._last = line
            self._printed_at = time.monotonic()
            self._console.print(line, soft_wrap=True)

    def __exit__(self, *exception: object) -> None:
        return None


def _facts(counts: Progress) -> str:
    if not counts.superseded_facts:
        return f"{counts.current_facts} facts"
    return f"{counts.current_facts} facts, {counts.superseded_facts} superseded"
