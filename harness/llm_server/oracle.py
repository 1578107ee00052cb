"""A model with known pairs: it answers each judging call with the gold pairs of the shown statements, and says in each
extraction which shown statements a fact repeats or replaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, combinations, product
from typing import Any

from harness.llm_server import answers, prompt
from harness.llm_server.model import Script
from harness.llm_server.prompt import ShownStatement
from harness.llm_server.replay import normalised

#: The marks of a shortened statement in a judging call, and in an extraction call.
_CUT = (" [...]", " [cut]")


@dataclass(frozen=True, slots=True)
class JudgingCall:
    """The number of statements in one judging call."""

    known: int
    new: int

    @property
    def pairs(self) -> int:
        """The number of pairs: each new statement with each known one and each other new one."""
        return self.known * self.new + self.new * (self.new - 1) // 2


class Oracle:
    """Knows which statements replace which. An instance is the `answer` of a server.

    If B replaces A and C replaces B, then C also replaces A: a judge that sees only A and C would say so. Two
    statements with the same text are the same. Only shown statements are judged.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        #: One for each judging call.
        self.judging_calls: list[JudgingCall] = []
        #: The known pairs of normalised texts that calls have shown.
        self.seen: set[frozenset[str]] = set()
        self._replaces = _with_later({(normalised(old), normalised(new)) for old, new in pairs})
        self._texts = frozenset(chain.from_iterable(self._replaces))

    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any] | None:
        if prompt.kind_of(request) != "judge":
            return None
        shown = prompt.shown_statements(request)
        known = [statement for statement in shown if statement.label.startswith("K")]
        new = [statement for statement in shown if statement.label.startswith("N")]
        self.judging_calls.append(JudgingCall(known=len(known), new=len(new)))
        # In a pair of two new statements, the later one is first.
        asked = chain(product(new, known), ((second, first) for first, second in combinations(new, 2)))
        found = ((first.label, second.label, self._verdict(first, second)) for first, second in asked)
        return answers.judgement(*((first, second, verdict) for first, second, verdict in found if verdict))

    def with_relations(self, script: Script) -> Script:
        """Return a script that gives the facts of `script`, with their relations to the shown known statements."""

        def answer(request: Mapping[str, Any]) -> Any:
            given = script(request)
            known = prompt.shown_statements(request)
            if not isinstance(given, dict) or not known:
                return given
            return given | {
                "facts": [fact | {"known": self._relations(fact["text"], known)} for fact in given["facts"]]
            }

        return answer

    def _relations(self, text: str, known: Iterable[ShownStatement]) -> list[str]:
        fact = ShownStatement("", None, text)
        verdicts = ((one.label, self._verdict(fact, one)) for one in known)
        return [f"{label} {verdict}" for label, verdict in verdicts if verdict]

    def _verdict(self, first: ShownStatement, second: ShownStatement) -> str | None:
        if normalised(first.text) == normalised(second.text):
            return "same"
        one, other = self._whole(first.text), self._whole(second.text)
        pairs = {pair for pair in product(one, other) if {pair, pair[::-1]} & self._replaces}
        self.seen.update(frozenset(pair) for pair in pairs)
        return "replaces" if pairs else None

    def _whole(self, shown: str) -> frozenset[str]:
        """Return the known texts that begin with a shortened text; the text itself if there are none."""
        cut = next((mark for mark in _CUT if shown.endswith(mark)), None)
        text = normalised(shown.removesuffix(cut or ""))
        if cut is None:
            return frozenset({text})
        return frozenset(known for known in self._texts if known.startswith(text)) or frozenset({text})


def in_turn(*scripts: Script) -> Script:
    """Return a script that returns the first answer of these scripts."""
    return lambda request: next((given for script in scripts if (given := script(request)) is not None), None)


def _with_later(pairs: set[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Return the transitive closure of the pairs."""
    found = set(pairs)
    while more := {
        (first, last)
        for first, middle in found
        for same, last in pairs
        if middle == same and first != last and (first, last) not in found
    }:
        found |= more
    return frozenset(found)
