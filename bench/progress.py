"""Progress on standard error, so that standard output holds the figures only."""

from __future__ import annotations

from typing import Self

from rich import progress
from rich.console import Console


class Progress:
    """A bar for each part of a bench; nothing at all where it is not shown."""

    def __init__(self, *, is_shown: bool) -> None:
        self._bars = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=not is_shown,
        )
        self._current: progress.TaskID | None = None

    def begin(self, what: str, total: int | None = None) -> None:
        """Begin a part that takes `total` steps; without a number, nobody knows how many. Ends the one before."""
        self._end()
        self._current = self._bars.add_task(what, total=total)

    def reached(self, steps: int) -> None:
        """Say how far the part is."""
        if self._current is not None:
            self._bars.update(self._current, completed=steps)

    def _end(self) -> None:
        if self._current is not None:
            task = self._bars.tasks[self._current]
            self._bars.update(self._current, total=task.total or 1, completed=task.total or 1)
            self._bars.stop_task(self._current)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()
