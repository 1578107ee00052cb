"""The output of a bench: one JSON object, or a table that explains each figure in one line."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

WIDTH_OF_FILES = 140

#: A figure; None if it could not be measured.
Value = float | int | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of the table."""

    name: str
    #: A description of the figure, in one line.
    meaning: str
    #: The largest good value, or the least one if `is_floor`; None: there is no aim.
    aim: float | None = None
    is_floor: bool = False

    def verdict(self, value: Value) -> str:
        """Return the aim, and whether `value` meets it; empty if there is no aim."""
        if self.aim is None or not isinstance(value, float | int):
            return ""
        is_reached = value >= self.aim if self.is_floor else value <= self.aim
        return f"{'>=' if self.is_floor else '<='} {self.aim:g} {'yes' if is_reached else 'NO'}"


def run(
    title: str,
    lines: tuple[Line, ...],
    measure: Callable[[Namespace], Mapping[str, object]],
    arguments: Namespace,
) -> Mapping[str, object]:
    """Measure, print the figures, and return them. Ctrl-C ends the process with "stopped".

    With `arguments.json`, the output is one JSON object. Otherwise it is a table without the lines that have no figure,
    in which a dictionary becomes one figure for each of its keys.
    """
    try:
        figures = measure(arguments)
    except KeyboardInterrupt:
        raise SystemExit("stopped") from None
    if arguments.json:
        print(as_json(figures))
    else:
        flat = _flatten(figures)
        show(title, tuple(line for line in lines if line.name in flat), flat)
    return figures


def as_json(figures: Mapping[str, object]) -> str:
    """Return the figures as one line of JSON."""
    return json.dumps(figures)


def show(title: str, lines: tuple[Line, ...], figures: Mapping[str, Value]) -> None:
    """Print the figures as a table, in the order of `lines`. Figures without a line are the last, without a meaning."""
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
    # In a file, the table is wider than the default of 80 columns.
    Console(width=None if sys.stdout.isatty() else WIDTH_OF_FILES).print(table)


def _flatten(figures: Mapping[str, object]) -> dict[str, Value]:
    flat: dict[str, Value] = {}
    for name, value in figures.items():
        if isinstance(value, dict):
            flat |= {f"{name}_{inner}": figure for inner, figure in value.items()}
        else:
            flat[name] = value  # type: ignore[assignment]
    return flat


def _text(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 100 else f"{value:,.0f}"
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else value
