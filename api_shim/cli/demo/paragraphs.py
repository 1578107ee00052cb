"""Print indented text: wrapped on a terminal, on one line in a file."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text


def print_indented(console: Console, columns: int, text: Text) -> None:
    """Print `text`, indented by this number of columns; continuation lines are indented by two more."""
    for paragraph in text.split():
        room = console.width - columns - 2
        lines = paragraph.wrap(console, room) if console.is_terminal else [paragraph]
        for number, line in enumerate(lines):
            line.rstrip()
            spaces = " " * (columns + 2 if number else columns)
            console.print(Text(spaces).append_text(line), soft_wrap=True)


def print_markup(console: Console, markup: str) -> None:
    """Print text with rich's markup, without indentation."""
    print_indented(console, 0, Text.from_markup(markup))
