"""The columns of an index: what recall knows about each document without reading it."""

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
from afterturn.recall.documents import Numbers, Places

#: Bits of `traits`.
IS_USER = 1
NAMES_TIME = 2
STATES_STANDING = 4

#: The stored type of each column of numbers: no larger than its values need.
_STORED_TYPES = {
    "session_sizes": "<i4",
    "positions": "<i4",
    "lengths": "<u2",
    "traits": "<u1",
    "speaker": "<u2",
    "months": "<i2",
    "evidence_facts": "<i4",
    "evidence_turns": "<i4",
    "standalone": "<i4",
}
_ID_BYTES = 16


@dataclass(frozen=True, kw_only=True)
class IndexColumns:
    """The columns of one index. The documents are the turns, then the standalone facts (facts without a turn)."""

    space_id: int | None
    turn_count: int
    sessions: Sequence[str]
    #: The number of turns of each session.
    session_sizes: NDArray[Any]
    speakers: Sequence[str]
    #: Per turn.
    positions: NDArray[Any]
    #: Per document, in stems.
    lengths: NDArray[Any]
    #: Per document: the bits IS_USER, NAMES_TIME and STATES_STANDING.
    traits: NDArray[Any]
    #: Per document: the index of the speaker in `speakers`.
    speaker: NDArray[Any]
    #: Per document: months since January 1970.
    months: NDArray[Any]
    #: The ids of all facts, concatenated.
    fact_ids: bytes
    #: Pairs as two columns: the place of a fact among the facts, and the place of a turn that is its evidence.
    evidence_facts: NDArray[Any]
    evidence_turns: NDArray[Any]
    #: Per document after the turns: the place of the standalone fact among the facts.
    standalone: NDArray[Any]
    #: Mean and covariance of the vectors of turns and of facts (`cells.Spread.pack`).
    spread_of_turns: bytes
    spread_of_facts: bytes

    @cached_property
    def session(self) -> Places:
        """The session number of each document. Each standalone fact has a number of its own, after the sessions."""
        of_turns = np.repeat(np.arange(len(self.sessions)), self.session_sizes)
        return np.concatenate([of_turns, len(self.sessions) + np.arange(len(self.standalone))])

    @cached_property
    def session_starts(self) -> Places:
        """The place of the first turn of each session."""
        return np.concatenate([[0], np.cumsum(self.session_sizes)[:-1]]).astype(np.int64)

    @cached_property
    def has_fact(self) -> NDArray[np.bool_]:
        """Whether the document is evidence of a fact, or is a fact."""
        has_fact = np.zeros(self.document_count, dtype=np.bool_)
        has_fact[self.evidence_turns] = True
        has_fact[self.turn_count :] = True
        return has_fact

    @cached_property
    def earliness(self) -> Numbers:
        """1 divided by the position of each turn in its session; 0 for a greeting and a fact."""
        early = np.zeros(self.document_count)
        early[: self.turn_count] = 1.0 / self.positions
        return np.where(self.lengths >= stems.GREETING_STEMS, early, 0.0)

    @cached_property
    def session_numbers(self) -> Mapping[str, int]:
        """The number of each session by its id."""
        return {session_id: number for number, session_id in enumerate(self.sessions)}

    @property
    def document_count(self) -> int:
        return len(self.lengths)

    @property
    def fact_count(self) -> int:
        return len(self.fact_ids) // _ID_BYTES

    def fact_id(self, place: int) -> UUID:
        return UUID(bytes=self.fact_ids[_ID_BYTES * place : _ID_BYTES * (place + 1)])

    def fact_item(self, place: int) -> str:
        """Return the name of a fact's vector. Formatting the digits is faster than `str(UUID)`."""
        digits = self.fact_ids[_ID_BYTES * place : _ID_BYTES * (place + 1)].hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    @cached_property
    def _standalone_places(self) -> Mapping[bytes, int]:
        ids = (self.fact_ids[_ID_BYTES * place : _ID_BYTES * (place + 1)] for place in self.standalone.tolist())
        return {fact_id: self.turn_count + number for number, fact_id in enumerate(ids)}

    def turn_key(self, place: int) -> TurnKey:
        return TurnKey(self.sessions[self.session[place]], int(self.positions[place]))

    def last_position(self, session: int) -> int:
        """Return the position of the last turn of a session."""
        return int(self.positions[self.session_starts[session] + self.session_sizes[session] - 1])

    def place_of(self, key: Key) -> int:
        """Return the place of a turn or of a standalone fact; -1 where the index does not contain it."""
        if isinstance(key, UUID):
            return self._standalone_places.get(key.bytes, -1)
        if not isinstance(key, TurnKey) or key.session_id not in self.session_numbers:
            return -1
        session = self.session_numbers[key.session_id]
        start, size = int(self.session_starts[session]), int(self.session_sizes[session])
        place = start + int(np.searchsorted(self.positions[start : start + size], key.position))
        return place if place < start + size and self.positions[place] == key.position else -1

    def pack(self) -> dict[str, Any]:
        """Return the columns as arguments of the query `add_columns`."""
        packed = {
            name: np.asarray(getattr(self, name)).astype(stored).tobytes() for name, stored in _STORED_TYPES.items()
        }
        return packed | {
            "space_id": self.space_id,
            "turn_count": self.turn_count,
            "sessions": list(self.sessions),
            "speakers": list(self.speakers),
            "fact_ids": self.fact_ids,
            "spread_of_turns": self.spread_of_turns,
            "spread_of_facts": self.spread_of_facts,
        }


def unpack(row: Mapping[str, Any]) -> IndexColumns:
    """Return the columns from a row of the query `columns`."""
    return IndexColumns(
        space_id=row["space_id"],
        turn_count=row["turn_count"],
        sessions=row["sessions"],
        speakers=row["speakers"],
        fact_ids=bytes(row["fact_ids"]),
        spread_of_turns=bytes(row["spread_of_turns"]),
        spread_of_facts=bytes(row["spread_of_facts"]),
        **{name: np.frombuffer(row[name], dtype=stored) for name, stored in _STORED_TYPES.items()},
    )
