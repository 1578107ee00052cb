"""The turn: one message of a session, and how it travels through Redis."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from afterturn import ids
from afterturn.errors import InvalidInput, TurnTooLarge

#: Who may speak. `exchange` is one string that holds a whole exchange (`MemoryClient.write(text)`).
ROLES = ("user", "assistant", "system", "tool", "exchange")

#: Version of the payload in Redis. A reader refuses newer ones, and leaves them where they are.
PAYLOAD_VERSION = 1

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of a session."""

    turn_id: str
    #: One of ROLES.
    role: str
    content: str
    #: When it was said, in UTC.
    occurred_at: datetime
    #: The speaker's name where the role does not say it.
    name: str | None = None
    #: Which agent wrote it.
    agent_id: str | None = None
    #: The caller's own data, tool calls included.
    metadata: Mapping[str, Any] = field(default_factory=dict)
    #: Ids of the memories that were shown to the assistant before it said this.
    memories_shown: tuple[str, ...] = ()
    #: It is of an old conversation, and becomes facts when nothing newer is owed.
    is_imported: bool = False
    #: Its place in the session; None until Postgres has given it one.
    position: int | None = None
    #: True when it was taken back; it then has no content.
    is_removed: bool = False

    @property
    def speaker(self) -> str:
        """The name to show: the given one, else the role."""
        return self.name or self.role


def make(
    role: str,
    content: str,
    *,
    limit_bytes: int,
    turn_id: str | None = None,
    name: str | None = None,
    agent_id: str | None = None,
    occurred_at: datetime | None = None,
    metadata: Mapping[str, Any] | None = None,
    memories_shown: Sequence[str] = (),
) -> Turn:
    """Check what a caller wrote and return it as a turn; an id is minted when none is given.

    NUL and lone surrogates, which Postgres cannot store, become U+FFFD. Raises InvalidInput (or InvalidId,
    TurnTooLarge) when a part does not have the required form.
    """
    if role not in ROLES:
        raise InvalidInput(f"role must be one of {', '.join(ROLES)}, not {role!r}")
    if not isinstance(content, str):
        raise InvalidInput(f"content must be a string, not {type(content).__name__}")
    if not content and not metadata:
        raise InvalidInput("content is empty: a turn needs content or metadata (a tool call, for example)")
    if len(content) > limit_bytes:
        raise TurnTooLarge(f"content has {len(content)} characters; AFTERTURN_TURN_LIMIT_BYTES is {limit_bytes}")
    return Turn(
        turn_id=ids.new_turn_id() if turn_id is None else ids.validated("turn_id", turn_id),
        role=role,
        content=storable(content),
        occurred_at=_in_utc(occurred_at),
        name=None if name is None else ids.validated("name", name),
        agent_id=agent_id,
        metadata=_checked_metadata(metadata),
        memories_shown=tuple([ids.validated("memories_shown", shown) for shown in memories_shown]),
    )


def encode(turn: Turn, *, limit_bytes: int) -> bytes:
    """Return the payload of a turn for the pending stream.

    Raises TurnTooLarge when it has more than `limit_bytes`, InvalidInput when its metadata is nested too deeply.
    """
    payload: dict[str, Any] = {
        "v": PAYLOAD_VERSION,
        "id": turn.turn_id,
        "role": turn.role,
        "content": turn.content,
        "at": turn.occurred_at.timestamp(),
    }
    if turn.name is not None:
        payload["name"] = turn.name
    if turn.agent_id is not None:
        payload["agent"] = turn.agent_id
    if turn.metadata:
        payload["metadata"] = turn.metadata
    if turn.memories_shown:
        payload["shown"] = turn.memories_shown
    if turn.is_imported:
        payload["imported"] = True
    try:
        encoded = to_json(payload)  # a fifth of the time of json.dumps, on the hot path
    except PydanticSerializationError as error:
        raise InvalidInput(f"metadata must be JSON: {error}") from error
    if len(encoded) > limit_bytes:
        raise TurnTooLarge(f"the turn has {len(encoded)} bytes; AFTERTURN_TURN_LIMIT_BYTES is {limit_bytes}")
    return encoded


def decode(payload: bytes) -> Turn:
    """Return the turn of a payload. Raises InvalidInput when it is unreadable or of a newer version."""
    try:
        data = json.loads(payload)
        if data["v"] > PAYLOAD_VERSION:
            raise InvalidInput(f"the payload has version {data['v']}; this release reads up to {PAYLOAD_VERSION}")
        return of_payload(data)
    except (ValueError, KeyError, TypeError, OverflowError, OSError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"the payload is unreadable: {type(error).__name__}") from error


def of_payload(data: Mapping[str, Any]) -> Turn:
    """Return the turn of a payload's JSON data. Raises KeyError, TypeError, ValueError, OverflowError or OSError."""
    return Turn(
        turn_id=data["id"],
        role=data["role"],
        content=data["content"],
        occurred_at=datetime.fromtimestamp(data["at"], UTC),
        name=data.get("name"),
        agent_id=data.get("agent"),
        metadata=data.get("metadata", {}),
        memories_shown=tuple(data.get("shown", ())),
        is_imported=data.get("imported", False),
    )


_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def storable(text: str) -> str:
    """Return `text` with what Postgres cannot store replaced by U+FFFD."""
    if text.isascii() and "\x00" not in text:
        return text
    return _NOT_STORABLE.sub(_REPLACEMENT, text) if _NOT_STORABLE.search(text) else text


def _in_utc(moment: datetime | None) -> datetime:
    if moment is None:
        return datetime.now(UTC)
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise InvalidInput("occurred_at must be a datetime with a timezone, for example datetime.now(UTC)")
    if not 1 < moment.year < 9999:
        # At the calendar's ends other timezones, and rounding, lead out of it.
        raise InvalidInput(f"occurred_at must lie in the years 2 to 9998, not {moment.year}")
    return moment.astimezone(UTC)


def _checked_metadata(metadata: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if not metadata:
        return {}
    if not isinstance(metadata, Mapping):
        raise InvalidInput(f"metadata must be a mapping, not {type(metadata).__name__}")
    try:
        # One round trip through JSON: what is kept is what was checked, also when the caller's object changes later.
        checked: dict[str, Any] = storable_json(json.loads(_encoder.encode(dict(metadata))))
        return checked
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"metadata must be JSON: {error}") from error


def storable_json(value: Any) -> Any:
    """Return JSON whose strings and keys are storable."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [storable_json(item) for item in value]
    if isinstance(value, dict):
        return {storable(key): storable_json(item) for key, item in value.items()}
    return value
