"""Fill turns and memories whose texts are in the cold archive. What cannot be read now is marked, or left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain

from afterturn.client.effects import Plan, ReadCold, read_rows
from afterturn.cold import reading
from afterturn.cold.files import Place
from afterturn.cold.reading import ColdTexts
from afterturn.memories import Evidence, Memory
from afterturn.redaction import credentials
from afterturn.scopes import SessionScope, UserScope
from afterturn.turns import Turn


def fill_turns(session: SessionScope, turns: list[Turn]) -> Plan[list[Turn]]:
    """Return the turns of a session with their texts. A turn whose text cannot be read now says why in `away`."""
    places = [(session.session_id, turn.position) for turn in turns if turn.position is not None and not turn.content]
    if not places:
        return turns
    texts = yield from read_texts(session.user, places)

    def fill(turn: Turn) -> Turn:
        place = (session.session_id, turn.position or 0)
        if turn.content or turn.position is None:
            return turn
        error = texts.away.get(place)
        return replace(turn, content=texts.contents.get(place, ""), away=None if error is None else error.code)

    return [fill(turn) for turn in turns]


def fill_memories(user: UserScope, memories: list[Memory]) -> Plan[list[Memory]]:
    """Return the memories with their texts, without turns whose texts cannot be read now."""
    places = list(dict.fromkeys(chain.from_iterable(map(_empty_places, memories))))
    if not places:
        return memories
    texts = yield from read_texts(user, places)
    return [_filled(memory, texts) for memory in memories if not _is_away(memory, texts)]


def read_texts(user: UserScope, places: Sequence[Place]) -> Plan[ColdTexts]:
    """Read the texts of turns without content. An object that is missing may just have been restored."""
    texts: ColdTexts = yield from ReadCold((yield from read_rows(user, reading.place_statement(user, places))))
    if texts.has_damaged:
        texts = yield from ReadCold((yield from read_rows(user, reading.place_statement(user, places))))
    reading.log_away(texts)
    return texts


def _empty_places(memory: Memory) -> Iterable[Place]:
    if memory.kind == "fact":
        return ()
    return (
        (evidence.session_id, evidence.position)
        for evidence in memory.evidence
        if not evidence.quote and evidence.position is not None
    )


def _is_away(memory: Memory, texts: ColdTexts) -> bool:
    return memory.kind == "turn" and any(place in texts.away for place in _empty_places(memory))


def _filled(memory: Memory, texts: ColdTexts) -> Memory:
    places = set(_empty_places(memory))
    if not places:
        return memory

    def fill(evidence: Evidence) -> Evidence:
        place = (evidence.session_id, evidence.position or 0)
        if place not in places:
            return evidence
        quote = texts.contents.get(place, "")
        return replace(evidence, quote=credentials.redact(quote) if memory.kind == "turn" else quote)

    evidence = tuple(map(fill, memory.evidence))
    return replace(memory, evidence=evidence, text=evidence[0].quote if memory.kind == "turn" else memory.text)
