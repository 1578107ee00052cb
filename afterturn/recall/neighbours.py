"""The turns before and after recalled turns: a reply says little without its question, a question without its reply."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from afterturn.memories import Evidence, Memory
from afterturn.recall.document_keys import Key, TurnKey

#: Who speaks in turns that no person reads.
_NOT_SAID = ("system", "developer", "tool")
#: Neighbours are read of so many turns, the best ones. More: each costs a row of up to a whole document.
_TURNS = 24


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The turns around recalled turns, by session id and position."""

    turns: Mapping[tuple[str, int], Evidence] = field(default_factory=dict)

    def before(self, memory: Memory) -> Evidence | None:
        """Return the turn before a recalled turn in its session; None where there is none."""
        return self._beside(memory, -1)

    def after(self, memory: Memory) -> Evidence | None:
        """Return the turn after a recalled turn in its session; None where there is none."""
        return self._beside(memory, 1)

    def without(self, hidden: Collection[tuple[str, str]]) -> Neighbours:
        """Return the neighbours without these turns: (session id, turn id) of each."""
        turns = {key: said for key, said in self.turns.items() if (said.session_id, said.turn_id) not in hidden}
        return Neighbours(turns)

    def _beside(self, memory: Memory, step: int) -> Evidence | None:
        if memory.kind != "turn" or memory.evidence[0].position is None:
            return None
        return self.turns.get((memory.session_id, memory.evidence[0].position + step))


def neighbour_keys(keys: Iterable[Key]) -> list[TurnKey]:
    """Return the keys of the turns around the best of some documents, without those that are among them.

    Args:
        keys: of documents, best first. Turns that are not archived have no neighbours.
    """
    turns = [key for key in keys if isinstance(key, TurnKey)]
    around = dict.fromkeys(
        TurnKey(key.session_id, key.position + step)
        for key in turns[:_TURNS]
        for step in (-1, 1)
        if key.position + step > 0
    )
    known = set(turns)
    return [key for key in around if key not in known]


def find_neighbours(memories: Mapping[Key, Memory]) -> Neighbours:
    """Return the turns among some memories, without those whose texts are in the cold archive."""
    said = (memory.evidence[0] for memory in memories.values() if memory.kind == "turn")
    shown = (item for item in said if item.quote and item.speaker not in _NOT_SAID)
    return Neighbours({(item.session_id, item.position): item for item in shown if item.position is not None})
