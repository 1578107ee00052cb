"""Progress bars on standard error, so that standard output contains only the figures."""

from __future__ import annotations

from typing import Self

from rich import progress
from rich.console import Console


class Progress:
    """Shows a bar for each part of a bench, if `is_shown`."""

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
        """End the previous part and begin one with `total` steps; None: an unknown number."""
        self._end()
        self._current = self._bars.add_task(what, total=total)

    def reached(self, steps: int) -> None:
        """Show the number of completed steps of the part."""
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
