"""The turn: one message of a session, and its payload in Redis."""

from __future__ import annotations

import functools
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from afterturn import ids
from afterturn.errors import InFuture, InvalidInput, TurnTooLarge

#: The allowed roles. `exchange`: one string with a question and its answer (`MemoryClient.write(text)`).
ROLES = ("user", "assistant", "system", "tool", "exchange")

#: Version of the payload in Redis. A reader does not decode newer versions, and leaves them in the stream.
PAYLOAD_VERSION = 1

#: How far a turn's time may be ahead of the clock of the machine that writes it, where no setting says so. Clocks
#: differ by less; what is further ahead would supersede all that is said until then.
FUTURE_LIMIT_SECONDS = 300.0

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
    #: Whether `occurred_at` is the clock of the process that wrote it, because the caller gave no time.
    is_stamped: bool = field(default=False, compare=False, repr=False)

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
    future_seconds: float = FUTURE_LIMIT_SECONDS,
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
        future_seconds: how far `occurred_at` may be ahead of this machine's clock.

    Raises InvalidInput (or InvalidId, TurnTooLarge, InFuture) when an argument is invalid.
    """
    _check(role, content, metadata, limit_bytes)
    return Turn(
        turn_id=ids.new_turn_id() if turn_id is None else ids.validate_id("turn_id", turn_id),
        role=role,
        content=make_storable(content),
        occurred_at=datetime.now(UTC) if occurred_at is None else _in_utc(occurred_at, future_seconds),
        is_stamped=occurred_at is None,
        name=None if name is None else ids.validate_id("name", name),
        agent_id=agent_id,
        metadata=_validate_metadata(metadata),
        memories_shown=_validate_shown(memories_shown),
    )


def make_payload(
    role: str,
    content: str | None = None,
    *,
    limit_bytes: int,
    turn_id: str | None = None,
    name: str | None = None,
    agent_id: str | None = None,
    occurred_at: datetime | None = None,
    metadata: Mapping[str, Any] | None = None,
    memories_shown: Sequence[str] = (),
    future_seconds: float = FUTURE_LIMIT_SECONDS,
) -> tuple[str, bytes]:
    """Check what a caller wrote and return the new turn's id and its payload for the pending stream.

    A single string is a whole exchange. Otherwise the same as `encode(make_turn(...))`, and raises the same: on the hot
    path the Turn between the two would cost more than the JSON.
    """
    if content is None:
        role, content = "exchange", role
    _check(role, content, metadata, limit_bytes)
    payload: dict[str, Any] = {
        "v": PAYLOAD_VERSION,
        "id": ids.new_turn_id() if turn_id is None else ids.validate_id("turn_id", turn_id),
        "role": role,
        "content": make_storable(content),
        "at": time.time() if occurred_at is None else _in_utc(occurred_at, future_seconds).timestamp(),
    }
    if occurred_at is None:
        payload["stamped"] = True
    if name is not None:
        payload["name"] = ids.validate_id("name", name)
    if agent_id is not None:
        payload["agent"] = agent_id
    if metadata:
        payload["metadata"] = _validate_metadata(metadata)
    if memories_shown:
        payload["shown"] = _validate_shown(memories_shown)
    return payload["id"], _encoded(payload, limit_bytes)


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
    if turn.is_stamped:
        payload["stamped"] = True
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
    return _encoded(payload, limit_bytes)


@functools.cache
def _to_json() -> Callable[[Any], bytes]:
    """Return what writes JSON in a fifth of the time of json.dumps. The first write imports it, not every import."""
    from pydantic_core import to_json

    return to_json


def _encoded(payload: Mapping[str, Any], limit_bytes: int) -> bytes:
    try:
        encoded = _to_json()(payload)
    except ValueError as error:
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
        return turn_from_payload(data)
    except (ValueError, KeyError, TypeError, OverflowError, OSError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"the payload is unreadable: {type(error).__name__}") from error


def turn_from_payload(data: Mapping[str, Any]) -> Turn:
    """Return the turn in a payload's JSON data. Raises KeyError, TypeError, ValueError, OverflowError or OSError."""
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
        is_stamped=data.get("stamped", False),
    )


_metadata_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def make_storable(text: str) -> str:
    """Replace the characters of `text` that Postgres cannot store (NUL, lone surrogates) by U+FFFD."""
    if text.isascii() and "\x00" not in text:
        return text
    return _NOT_STORABLE.sub(_REPLACEMENT, text) if _NOT_STORABLE.search(text) else text


def _check(role: object, content: object, metadata: object, limit_bytes: int) -> None:
    """Raise InvalidInput unless these can be the role and content of a turn with this metadata."""
    if role not in ROLES:
        raise InvalidInput(f"role must be one of {', '.join(ROLES)}, not {role!r}")
    if not isinstance(content, str):
        raise InvalidInput(f"content must be a string, not {type(content).__name__}")
    if not content and not metadata:
        raise InvalidInput("content is empty: a turn needs content or metadata (a tool call, for example)")
    if len(content) > limit_bytes:
        raise TurnTooLarge(f"content has {len(content)} characters; AFTERTURN_TURN_LIMIT_BYTES is {limit_bytes}")


def _in_utc(moment: datetime, future_seconds: float) -> datetime:
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise InvalidInput("occurred_at must be a datetime with a timezone, for example datetime.now(UTC)")
    if not 1 < moment.year < 9999:
        # In the first and last year a conversion to another timezone can leave the range of datetime.
        raise InvalidInput(f"occurred_at must lie in the years 2 to 9998, not {moment.year}")
    ahead_seconds = moment.timestamp() - time.time()
    if ahead_seconds > future_seconds:
        raise InFuture(
            f"occurred_at is {ahead_seconds:.0f} s in the future by this machine's clock; "
            f"AFTERTURN_FUTURE_LIMIT_SECONDS is {future_seconds:g}"
        )
    return moment.astimezone(UTC)


def _validate_shown(memories_shown: Sequence[str]) -> tuple[str, ...]:
    return tuple([ids.validate_id("memories_shown", shown) for shown in memories_shown])


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
