"""The question of one call: which matters developed how. One call writes the threads of several matters."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from afterturn import ids, tokens
from afterturn.sleep.matters import Matter, MatterFact

#: The most matters of one call, and the most tokens of their facts. More: longer answers, which models cut off.
MOST_MATTERS = 8
MOST_TOKENS = 3_000
#: The longest text of a fact in the question. A longer one is cut.
_MAX_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class ThreadQuestion:
    """The matters of one call."""

    matters: tuple[Matter, ...]

    def text(self) -> str:
        """Return the variable part of the prompt. Facts are numbered from one matter to the next."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        for number, labelled in enumerate(self.facts(), 1):
            yield f"M{number}"
            yield from (f"F{label} {_line(fact)}" for label, fact in labelled.items())

    def facts(self) -> list[dict[int, MatterFact]]:
        """Return the facts of each matter by their numbers."""
        found, first = [], 1
        for matter in self.matters:
            found.append(dict(enumerate(matter.facts, first)))
            first += len(matter.facts)
        return found

    def fact_ids(self) -> list[UUID]:
        """Return the ids of all facts in it."""
        return [fact.fact_id for matter in self.matters for fact in matter.facts]

    def digest(self, *, prompt_version: str, model: str) -> str:
        """Return the key under which the answer is stored, so that no question is paid for twice."""
        ids_shown = " ".join(map(str, self.fact_ids()))
        return _digest((prompt_version, model, self.text(), ids_shown))


def thread_id(matter: Matter) -> UUID:
    """Return the id of a matter's thread."""
    return ids.derive_thread_id(matter.first_id)


def matter_digest(matter: Matter) -> str:
    """Return a digest of the facts of a matter. It does not change when a fact is said again."""
    return _digest(f"{fact.fact_id} {_line(fact)}" for fact in matter.facts)


def make_questions(matters: Sequence[Matter]) -> list[ThreadQuestion]:
    """Return the questions about these matters: few large ones, in their order."""
    questions: list[ThreadQuestion] = []
    group: list[Matter] = []
    room = MOST_TOKENS
    for matter in matters:
        cost = sum(tokens.estimate(_line(fact)) for fact in matter.facts)
        if group and (len(group) == MOST_MATTERS or cost > room):
            questions.append(ThreadQuestion(tuple(group)))
            group, room = [], MOST_TOKENS
        group.append(matter)
        room -= cost
    return [*questions, ThreadQuestion(tuple(group))] if group else questions


def _line(fact: MatterFact) -> str:
    plain = " ".join(fact.text.split())
    shown = f"{plain[:_MAX_CHARACTERS]} [...]" if len(plain) > _MAX_CHARACTERS else plain
    return f"({fact.day.isoformat()}{', now' if fact.is_current else ''}): {shown}"


def _digest(parts: Iterator[str] | Sequence[str]) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()
