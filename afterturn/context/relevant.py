"""The lines about the question: recalled memories, each with the turns without which it says little.

A reply to a question is offered with the question, and a question with its reply. Turns that say nothing, or nothing
beyond a line before, are left out. Lines are offered best first, and shown in the order in which they were said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import tzinfo

from afterturn.context import lines, thread_lines
from afterturn.context.lines import Question
from afterturn.context.memory_block import MemoryLine
from afterturn.excerpts import sentences
from afterturn.memories import Evidence, Memory
from afterturn.recall.neighbours import Neighbours
from afterturn.threads.thread import Thread

#: So many turns, the best, are explained. More: companions take the place of memories.
_EXPLAINED = 6
#: A reply of more characters is understood without its question.
_SHORT_REPLY_CHARACTERS = 120
#: A neighbour is shown in about so many characters.
_NEIGHBOUR_CHARACTERS = 240
#: A turn with fewer words that say something is filler, unless it answers a question.
_LEAST_WORDS = 2


def offer_lines(
    memories: Sequence[Memory], neighbours: Neighbours, threads: Sequence[Thread], question: Question, zone: tzinfo
) -> list[MemoryLine]:
    """Return the lines of recalled memories, best first; each thread comes before the first of its facts.

    Args:
        memories: recalled ones, best first, that no other part of the context shows.
        neighbours: the turns around those that are turns.
        threads: threads that may rest on them.
        question: what is asked.
        zone: the user's timezone.
    """
    offers = _Offers(memories, neighbours, question, zone)
    offered = [line for memory in memories for line in offers.of(memory)]
    return thread_lines.with_threads(offered, threads, zone)


class _Offers:
    """Makes the lines of one memory after another."""

    def __init__(self, memories: Sequence[Memory], neighbours: Neighbours, question: Question, zone: tzinfo) -> None:
        self._neighbours = neighbours
        self._question = question
        self._zone = zone
        speakers = {said.speaker for memory in memories for said in memory.evidence}
        #: What stands for the names of the speakers: a name alone says nothing.
        self._names = question.keys_of(" ".join(speakers))
        #: The words of the lines so far.
        self._said: list[frozenset[str]] = []
        #: The turns that have a line.
        self._turns: set[tuple[str, str]] = set()
        #: How many turns had a line of their own.
        self._own = 0

    def of(self, memory: Memory) -> list[MemoryLine]:
        """Return the line of a memory and those that explain it; none if it says nothing beyond those before."""
        keys = self._question.keys_of(memory.text) - self._names
        needed: list[Evidence] = []
        if memory.kind == "turn":
            if not self._add_turn(memory.evidence[0]):
                return []
            needed = list(self._needed(memory)) if self._own < _EXPLAINED else []
            self._own += 1
            if not needed and (len(keys) < _LEAST_WORDS or any(lines.is_contained(keys, said) for said in self._said)):
                return []
        self._said.append(keys)
        line = lines.memory_line(memory, self._zone, self._question)
        return [line, *(self._explaining(said, line) for said in needed if self._add_turn(said))]

    def _add_turn(self, said: Evidence) -> bool:
        """Note that a turn has a line. Returns whether it had none before."""
        key = (said.session_id, said.turn_id)
        is_new = key not in self._turns
        self._turns.add(key)
        return is_new

    def _needed(self, memory: Memory) -> Iterator[Evidence]:
        """Yield the question before a short reply, and the reply after a question."""
        speaker = memory.evidence[0].speaker
        before, after = self._neighbours.before(memory), self._neighbours.after(memory)
        is_short = len(memory.text) <= _SHORT_REPLY_CHARACTERS
        if before and is_short and before.speaker != speaker and sentences.is_question(before.quote):
            yield before
        if after and after.speaker != speaker and sentences.is_question(memory.text):
            yield after

    def _explaining(self, said: Evidence, line: MemoryLine) -> MemoryLine:
        made = lines.turn_line(said, self._zone, self._question, _NEIGHBOUR_CHARACTERS)
        return replace(made, explains=line.said)
