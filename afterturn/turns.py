"""The turn: one message of a session, and its payload in Redis."""

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

#: The allowed roles. `exchange`: one string with a question and its answer (`MemoryClient.write(text)`).
ROLES = ("user", "assistant", "system", "tool", "exchange")

#: Version of the payload in Redis. A reader does not decode newer versions, and leaves them in the stream.
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
    #: The speaker's name.
    name: str | None = None
    #: The agent that wrote the turn.
    agent_id: str | None = None
    #: The caller's own data, tool calls included.
    metadata: Mapping[str, Any] = field(default_factory=dict)
    #: Ids of the memories that were in the assistant's prompt when it said this.
    memories_shown: tuple[str, ...] = ()
    #: Whether it belongs to an imported conversation, which is processed only while no live turns wait.
    is_imported: bool = False
    #: Its place in the session; None until Postgres assigns it.
    position: int | None = None
    #: Whether it was removed (taken back); it then has no content.
    is_removed: bool = False

    @property
    def speaker(self) -> str:
        """The speaker's name, or the role where there is no name."""
        return self.name or self.role


def make_turn(
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
    """Validate a caller's arguments and return them as a turn.

    NUL and lone surrogates, which Postgres cannot store, become U+FFFD.

    Args:
        role: one of ROLES.
        content: the message.
        limit_bytes: the largest allowed turn. Here only the number of characters is compared; `encode` counts bytes.
        turn_id: the caller's id; None: a new one.
        name: the speaker's name.
        agent_id: the agent that wrote the turn.
        occurred_at: when it was said, with a timezone; None: now.
        metadata: JSON data of the caller's.
        memories_shown: ids of the memories in the assistant's prompt.

    Raises InvalidInput (or InvalidId, TurnTooLarge) when an argument is invalid.
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
        turn_id=ids.new_turn_id() if turn_id is None else ids.validate_id("turn_id", turn_id),
        role=role,
        content=make_storable(content),
        occurred_at=_in_utc(occurred_at),
        name=None if name is None else ids.validate_id("name", name),
        agent_id=agent_id,
        metadata=_validate_metadata(metadata),
        memories_shown=tuple([ids.validate_id("memories_shown", memory_id) for memory_id in memories_shown]),
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
        encoded = to_json(payload)  # takes a fifth of the time of json.dumps; this is the hot path
    except PydanticSerializationError as error:
        raise InvalidInput(f"metadata must be JSON: {error}") from error
    if len(encoded) > limit_bytes:
        raise TurnTooLarge(f"the turn has {len(encoded)} bytes; AFTERTURN_TURN_LIMIT_BYTES is {limit_bytes}")
    return encoded


def decode(payload: bytes) -> Turn:
    """Return the turn in a payload. Raises InvalidInput when it is unreadable or of a newer version."""
    try:
        data = json.loads(payload)
        if data["v"] > PAYLOAD_VERSION:
            raise InvalidInput(f"the payload has version {data['v']}; this release reads up to {PAYLOAD_VERSION}")
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
    except (ValueError, KeyError, TypeError, OverflowError, OSError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"the payload is unreadable: {type(error).__name__}") from error


_metadata_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def make_storable(text: str) -> str:
    """Replace the characters of `text` that Postgres cannot store (NUL, lone surrogates) by U+FFFD."""
    if text.isascii() and "\x00" not in text:
        return text
    return _NOT_STORABLE.sub(_REPLACEMENT, text) if _NOT_STORABLE.search(text) else text


def _in_utc(moment: datetime | None) -> datetime:
    if moment is None:
        return datetime.now(UTC)
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise InvalidInput("occurred_at must be a datetime with a timezone, for example datetime.now(UTC)")
    if not 1 < moment.year < 9999:
        # In the first and last year a conversion to another timezone can leave the range of datetime.
        raise InvalidInput(f"occurred_at must lie in the years 2 to 9998, not {moment.year}")
    return moment.astimezone(UTC)


def _validate_metadata(metadata: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if not metadata:
        return {}
    if not isinstance(metadata, Mapping):
        raise InvalidInput(f"metadata must be a mapping, not {type(metadata).__name__}")
    try:
        # Encoding and decoding also makes a copy: later changes of the caller's object do not change the turn.
        copy: dict[str, Any] = make_json_storable(json.loads(_metadata_encoder.encode(dict(metadata))))
        return copy
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"metadata must be JSON: {error}") from error


def make_json_storable(value: Any) -> Any:
    """Return JSON data with all strings and keys passed through `make_storable`."""
    if isinstance(value, str):
        return make_storable(value)
    if isinstance(value, list):
        return [make_json_storable(item) for item in value]
    if isinstance(value, dict):
        return {make_storable(key): make_json_storable(item) for key, item in value.items()}
    return value
