"""Entries of the pending stream: turns and other things in the order of a session. Each entry has one kind.

This module names the kinds and decodes their payloads. `pipeline/archiving/kinds.py` archives each kind. A payload is
JSON with `v` (version), `id` and `kind`. Turns and marks have no `kind`, because they are older: a turn has a `role`, a
mark has a `mark`.

Readers of the stream skip entries that this release cannot decode. Workers of a newer release archive them
(docs/explanation/decisions/023-kinds-of-entries.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from afterturn import ids, turns
from afterturn.errors import InvalidInput
from afterturn.turns import Turn

TURN = "turn"
#: A new version of a document of agent state.
STATE = "state"

#: The form of a kind's name. Other values are not logged, because they may be content.
_KIND = re.compile(r"[a-z][a-z_.-]{0,39}")


class Mark(StrEnum):
    """The kinds of entries that request an action."""

    #: Cut the earlier turns into a batch now.
    FLUSH = "flush"
    #: Remove a turn.
    REMOVE = "remove"
    #: Hide the earlier turns from the history of the session.
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class Flush:
    """A request to cut the turns before it into a batch."""


@dataclass(frozen=True, slots=True)
class Removal:
    """A request to remove a turn."""

    turn_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateVersion:
    """A new version of a document."""

    #: What it belongs to: user, session, agent or task.
    scope: str
    #: The id of the session, agent or task; empty for the user.
    owner_id: str
    key: str
    version: int
    #: The JSON text; None: the document was deleted.
    document: str | None
    #: The largest fence of a lock with which the document was written; 0: none.
    fence: int
    #: How long after it was written it expires, seconds; None: never.
    ttl_seconds: float | None


@dataclass(frozen=True, slots=True)
class Clear:
    """A request to hide the turns before it from the history of the session."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One decoded entry of a pending stream."""

    #: Redis's id of the entry, "1700000000000-0".
    stream_id: str
    #: The turn's id, or the entry's own.
    entry_id: str
    #: A key of READERS.
    kind: str
    #: The payload, decoded by the reader of the kind.
    content: object
    #: The payload as it was written.
    payload: bytes = b""

    def without_secrets(self) -> Entry:
        """Return the entry with its turn redacted. Its payload stays as it was written."""
        from afterturn import turn_redaction  # slow to import

        return self if self.turn is None else replace(self, content=turn_redaction.redact_turn(self.turn))

    @property
    def turn(self) -> Turn | None:
        """The turn of this entry; None for other kinds."""
        return self.content if isinstance(self.content, Turn) else None

    @property
    def target_turn_id(self) -> str | None:
        """The id of the turn that this entry removes; None for other kinds."""
        return self.content.turn_id if isinstance(self.content, Removal) else None

    @property
    def state_version(self) -> StateVersion | None:
        """The version of a document in this entry; None for other kinds."""
        return self.content if isinstance(self.content, StateVersion) else None

    @property
    def written_at_seconds(self) -> float:
        """The Unix time, by Redis's clock, at which Redis acknowledged it."""
        return int(self.stream_id.partition("-")[0]) / 1000


#: The function that decodes the payload of each kind. It raises KeyError, TypeError or ValueError for a bad payload.
READERS: dict[str, Callable[[Mapping[str, Any]], object]] = {
    TURN: turns.turn_from_payload,
    STATE: lambda data: StateVersion(
        scope=data["scope"],
        owner_id=data["owner"],
        key=data["key"],
        version=data["version"],
        document=data["document"],
        fence=data["fence"],
        ttl_seconds=data["ttl_seconds"],
    ),
    Mark.FLUSH: lambda data: Flush(),
    Mark.REMOVE: lambda data: Removal(data["turn"]),
    Mark.CLEAR: lambda data: Clear(),
}


def encode_mark(mark: Mark, *, target_turn_id: str | None = None) -> tuple[str, bytes]:
    """Return the id and the payload of a new mark."""
    entry_id = ids.new_turn_id()
    payload = {"v": turns.PAYLOAD_VERSION, "id": entry_id, "mark": mark.value}
    if target_turn_id is not None:
        payload["turn"] = target_turn_id
    return entry_id, json.dumps(payload, separators=(",", ":")).encode()


def is_clear(payload: bytes) -> bool:
    """Return whether a payload is a mark that clears its session, without decoding other payloads."""
    # A turn cannot end like this: its quotes are escaped, and its metadata ends with two braces.
    return payload.endswith(b'"mark":"clear"}')


def decode(stream_id: bytes, fields: Mapping[bytes, bytes]) -> Entry:
    """Return the entry of one XRANGE row.

    Raises InvalidInput when it is unreadable, or when this release does not know its version or kind.
    """
    try:
        data = json.loads(fields[b"d"])
        if data["v"] > turns.PAYLOAD_VERSION:
            raise InvalidInput(f"it has version {data['v']}; this release reads up to {turns.PAYLOAD_VERSION}")
        kind = _kind_of(data)
        if kind not in READERS:
            shown = kind if isinstance(kind, str) and _KIND.fullmatch(kind) else "without a name"
            raise InvalidInput(f"this release does not know its kind ({shown})")
        return Entry(stream_id.decode(), data["id"], kind, READERS[kind](data), fields[b"d"])
    except InvalidInput:
        raise
    except (ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError) as error:
        raise InvalidInput(f"it is unreadable: {type(error).__name__}") from error


def _kind_of(data: Mapping[str, Any]) -> Any:
    if "kind" in data:
        return data["kind"]
    return TURN if "role" in data else data["mark"]
