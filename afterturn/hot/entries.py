"""Entries of the pending stream: a turn, or a mark that is ordered with the turns."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from afterturn import ids, turns
from afterturn.errors import InvalidInput
from afterturn.turns import Turn


class Mark(StrEnum):
    """What an entry that is not a turn asks for."""

    #: Cut what came before into a batch now.
    FLUSH = "flush"
    #: Take a turn back.
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Entry:
    """One decoded entry of a pending stream."""

    #: Redis's id of the entry, "1700000000000-0".
    stream_id: str
    #: The turn's id, or the mark's own.
    entry_id: str
    #: Exactly one of `turn` and `mark` is set.
    turn: Turn | None = None
    mark: Mark | None = None
    #: The turn that a REMOVE is about.
    target_turn_id: str | None = None

    @property
    def written_at_seconds(self) -> float:
        """When Redis acknowledged it, by Redis's clock, as a Unix time."""
        return int(self.stream_id.partition("-")[0]) / 1000


def encode_mark(mark: Mark, *, target_turn_id: str | None = None) -> tuple[str, bytes]:
    """Return id and payload of a new mark."""
    entry_id = ids.new_turn_id()
    payload = {"v": turns.PAYLOAD_VERSION, "id": entry_id, "mark": mark.value}
    if target_turn_id is not None:
        payload["turn"] = target_turn_id
    return entry_id, json.dumps(payload, separators=(",", ":")).encode()


def decode(stream_id: bytes, fields: dict[bytes, bytes]) -> Entry:
    """Return the entry of one XRANGE row. Raises InvalidInput when it is unreadable or of a newer version."""
    payload = fields.get(b"d", b"")
    if b'"mark":' in payload and b'"role":' not in payload:
        return _decode_mark(stream_id, payload)
    turn = turns.decode(payload)
    return Entry(stream_id.decode(), turn.turn_id, turn=turn)


def _decode_mark(stream_id: bytes, payload: bytes) -> Entry:
    try:
        data: dict[str, Any] = json.loads(payload)
        if data["v"] > turns.PAYLOAD_VERSION:
            raise InvalidInput(f"the mark has version {data['v']}; this release reads up to {turns.PAYLOAD_VERSION}")
        return Entry(stream_id.decode(), data["id"], mark=Mark(data["mark"]), target_turn_id=data.get("turn"))
    except InvalidInput:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"the mark is unreadable: {type(error).__name__}") from error
