"""What a bench prints: one JSON object, or a table in which each figure is explained in one line."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

WIDTH_OF_FILES = 140

#: A figure; None where it could not be measured.
Value = float | int | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the table."""

    name: str
    #: What the figure is, in one line.
    meaning: str
    #: The greatest value, or (`is_floor`) the least one, that is good enough; None where nothing is aimed at.
    aim: float | None = None
    is_floor: bool = False

    def verdict(self, value: Value) -> str:
        """Return the aim and whether `value` reaches it; empty where nothing is aimed at."""
        if self.aim is None or not isinstance(value, float | int):
            return ""
        is_reached = value >= self.aim if self.is_floor else value <= self.aim
        return f"{'>=' if self.is_floor else '<='} {self.aim:g} {'yes' if is_reached else 'NO'}"


def as_json(figures: Mapping[str, object]) -> str:
    """Return the figures as one line of JSON."""
    return json.dumps(figures)


def show(title: str, lines: tuple[Line, ...], figures: Mapping[str, Value]) -> None:
    """Print the figures as a table, in the order of `lines`; figures without a line come last, unexplained."""
    table = Table(title=title, title_justify="left")
    table.add_column("figure", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("aim", no_wrap=True)
    table.add_column("what it is")
    for line in lines:
        table.add_row(line.name, _text(figures[line.name]), line.verdict(figures[line.name]), line.meaning)
    explained = {line.name for line in lines}
    for name in figures:
        if name not in explained:
            table.add_row(name, _text(figures[name]), "", "")
    # Where nobody looks at a terminal, it is not squeezed into 80 columns.
    Console(width=None if sys.stdout.isatty() else WIDTH_OF_FILES).print(table)


def _text(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 100 else f"{value:,.0f}"
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else value
