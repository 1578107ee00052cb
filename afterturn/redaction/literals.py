"""One expression for many literals: one pass over a text instead of one search for each literal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator


def compile_any(literals: Iterable[str]) -> re.Pattern[str]:
    """Return an expression for any of the literals. Where one is the beginning of another, it finds the shorter one."""
    return re.compile(_any_of(literals))


def find_all(pattern: re.Pattern[str], text: str) -> Iterator[tuple[str, int]]:
    """Yield each literal of the pattern in a text, and its place, in order. They may overlap."""
    match = pattern.search(text)
    while match is not None:
        yield match.group(), match.start()
        match = pattern.search(text, match.start() + 1)


def _any_of(literals: Iterable[str]) -> str:
    """Return an expression that branches at each letter: it compares far fewer letters than a list of the literals."""
    branches: dict[str, list[str]] = {}
    for literal in literals:
        if not literal:
            return ""
        branches.setdefault(literal[0], []).append(literal[1:])
    rest = [re.escape(first) + _any_of(ends) for first, ends in branches.items()]
    return rest[0] if len(rest) == 1 else f"(?:{'|'.join(rest)})"
