"""The columns of a large memory's index: what is known of each document without reading it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from afterturn.recall import stems
from afterturn.recall.document_keys import Key, TurnKey

Places = NDArray[np.int64]

#: Bits of `traits`.
IS_USER = 1
TELLS_TIME = 2

#: How each column of numbers is stored: four bytes where there may be many, less where less will do.
STORED = {
    "session_sizes": "<i4",
    "positions": "<i4",
    "stems": "<u2",
    "traits": "<u1",
    "speaker": "<u2",
    "months": "<i2",
    "evidence_facts": "<i4",
    "evidence_turns": "<i4",
    "alone": "<i4",
}
ID_BYTES = 16


@dataclass(frozen=True, kw_only=True)
class Columns:
    """One index. A document's place is that in these columns: turns first, then facts that rest on no turn."""

    space_id: int | None
    turns: int
    sessions: Sequence[str]
    #: How many turns each session has.
    session_sizes: NDArray[Any]
    speakers: Sequence[str]
    #: Of the turns.
    positions: NDArray[Any]
    #: How many stems; of all documents, like the next four.
    stems: NDArray[Any]
    traits: NDArray[Any]
    #: Place among the speakers.
    speaker: NDArray[Any]
    #: Since 1970.
    months: NDArray[Any]
    #: Ids of all facts, one after another.
    fact_ids: bytes
    #: Pairs: the place of the fact among the facts, and that of the turn.
    evidence_facts: NDArray[Any]
    evidence_turns: NDArray[Any]
    #: Of the documents behind the turns: the places of the facts.
    alone: NDArray[Any]
    #: How the vectors of turns and of facts are spread (`cells.spread`).
    spread_of_turns: bytes
    spread_of_facts: bytes

    @cached_property
    def session(self) -> Places:
        """Which session each document is of; facts have one each, behind those of the turns."""
        of_turns = np.repeat(np.arange(len(self.sessions)), self.session_sizes)
        return np.concatenate([of_turns, len(self.sessions) + np.arange(len(self.alone))])

    @cached_property
    def session_starts(self) -> Places:
        """The place of each session's first turn."""
        return np.concatenate([[0], np.cumsum(self.session_sizes)[:-1]]).astype(np.int64)

    @cached_property
    def has_fact(self) -> NDArray[np.bool_]:
        """Whether a fact rests on the document, or it is one."""
        has_fact = np.zeros(self.documents, dtype=np.bool_)
        has_fact[self.evidence_turns] = True
        has_fact[self.turns :] = True
        return has_fact

    @cached_property
    def is_opening(self) -> NDArray[np.bool_]:
        """Whether the document opens its session."""
        is_first = np.append(self.positions == 1, np.zeros(len(self.alone), dtype=np.bool_))
        return np.asarray(is_first & (self.stems >= stems.OPENING_STEMS))

    @cached_property
    def session_numbers(self) -> Mapping[str, int]:
        return {name: number for number, name in enumerate(self.sessions)}

    @property
    def documents(self) -> int:
        return len(self.stems)

    @property
    def facts(self) -> int:
        return len(self.fact_ids) // ID_BYTES

    def fact_id(self, place: int) -> UUID:
        return UUID(bytes=self.fact_ids[ID_BYTES * place : ID_BYTES * (place + 1)])

    def fact_name(self, place: int) -> str:
        """Return the name of a fact's vector."""
        digits = self.fact_ids[ID_BYTES * place : ID_BYTES * (place + 1)].hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    @cached_property
    def _places_alone(self) -> Mapping[bytes, int]:
        ids = (self.fact_ids[ID_BYTES * place : ID_BYTES * (place + 1)] for place in self.alone.tolist())
        return {fact_id: self.turns + number for number, fact_id in enumerate(ids)}

    def turn_key(self, place: int) -> TurnKey:
        return TurnKey(self.sessions[self.session[place]], int(self.positions[place]))

    def last_position(self, session: int) -> int:
        """Return the position of a session's last turn."""
        return int(self.positions[self.session_starts[session] + self.session_sizes[session] - 1])

    def place_of(self, key: Key) -> int:
        """Return the place of a turn, or of a fact that rests on none; -1 where the index does not know it."""
        if isinstance(key, UUID):
            return self._places_alone.get(key.bytes, -1)
        if not isinstance(key, TurnKey) or key.session_id not in self.session_numbers:
            return -1
        session = self.session_numbers[key.session_id]
        start, size = int(self.session_starts[session]), int(self.session_sizes[session])
        place = start + int(np.searchsorted(self.positions[start : start + size], key.position))
        return place if place < start + size and self.positions[place] == key.position else -1

    def packed(self) -> dict[str, Any]:
        """Return the index as arguments of the query that keeps it."""
        held = {name: np.asarray(getattr(self, name)).astype(stored).tobytes() for name, stored in STORED.items()}
        return held | {
            "space_id": self.space_id,
            "turns": self.turns,
            "sessions": list(self.sessions),
            "speakers": list(self.speakers),
            "fact_ids": self.fact_ids,
            "spread_of_turns": self.spread_of_turns,
            "spread_of_facts": self.spread_of_facts,
        }


def unpacked(row: Mapping[str, Any]) -> Columns:
    """Return the index of its row."""
    return Columns(
        space_id=row["space_id"],
        turns=row["turns"],
        sessions=row["sessions"],
        speakers=row["speakers"],
        fact_ids=bytes(row["fact_ids"]),
        spread_of_turns=bytes(row["spread_of_turns"]),
        spread_of_facts=bytes(row["spread_of_facts"]),
        **{name: np.frombuffer(row[name], dtype=stored) for name, stored in STORED.items()},
    )
