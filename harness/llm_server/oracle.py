"""Judging with known pairs: each judging call gets the gold pairs of just the statements that it shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, combinations, product
from typing import Any

from harness.llm_server import prompt
from harness.llm_server.model import Script
from harness.llm_server.prompt import ShownStatement
from harness.llm_server.replay import normalised

#: How a call marks what it shows in part.
_CUT = " [...]"


@dataclass(frozen=True, slots=True)
class Put:
    """What one judging call was asked."""

    known: int
    new: int

    @property
    def pairs(self) -> int:
        """How many pairs it was asked about: each new statement with each known one and each other new one."""
        return self.known * self.new + self.new * (self.new - 1) // 2


class Oracle:
    """Knows which statements replace which; an instance is the `answer` of a server.

    Where A was replaced by B and B by C, A and C are a pair too: a judge that is shown both, but never B, would say so.
    Two statements of one text are the same. It says nothing of what it is not shown.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        #: One for each judging call.
        self.put: list[Put] = []
        #: The pairs of normalised texts that were put to it, and that it knows.
        self.seen: set[frozenset[str]] = set()
        self._replaces = _with_later({(normalised(old), normalised(new)) for old, new in pairs})
        self._texts = frozenset(chain.from_iterable(self._replaces))

    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any] | None:
        if prompt.kind_of(request) != "judge":
            return None
        shown = prompt.shown_statements(request)
        known = [statement for statement in shown if statement.label.startswith("K")]
        new = [statement for statement in shown if statement.label.startswith("N")]
        self.put.append(Put(known=len(known), new=len(new)))
        # Of two new ones, the later is named first.
        asked = chain(product(new, known), ((second, first) for first, second in combinations(new, 2)))
        found = ((first.label, second.label, self._verdict(first, second)) for first, second in asked)
        return {"pairs": [dict(zip(("first", "second", "verdict"), row, strict=True)) for row in found if row[2]]}

    def _verdict(self, first: ShownStatement, second: ShownStatement) -> str | None:
        if normalised(first.text) == normalised(second.text):
            return "same"
        one, other = self._whole(first.text), self._whole(second.text)
        pairs = {pair for pair in product(one, other) if {pair, pair[::-1]} & self._replaces}
        self.seen.update(frozenset(pair) for pair in pairs)
        return "replaces" if pairs else None

    def _whole(self, shown: str) -> frozenset[str]:
        """Return the texts that this may be the beginning of; itself where none is known."""
        text = normalised(shown.removesuffix(_CUT))
        if not shown.endswith(_CUT):
            return frozenset({text})
        return frozenset(known for known in self._texts if known.startswith(text)) or frozenset({text})


def in_turn(*scripts: Script) -> Script:
    """Return a script that answers with the first of these that has an answer."""
    return lambda request: next((given for script in scripts if (given := script(request)) is not None), None)


def _with_later(pairs: set[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Return the pairs, and those that follow from them: what replaces a thing's successor replaces the thing."""
    found = set(pairs)
    while more := {
        (first, last)
        for first, middle in found
        for same, last in pairs
        if middle == same and first != last and (first, last) not in found
    }:
        found |= more
    return frozenset(found)
