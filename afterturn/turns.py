"""The turn: one message of a session, and its payload in Redis."""

from __future__ import annotations

import functools
import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from afterturn import chat_messages, content_parts, ids
from afterturn.chat_messages import NOT_GIVEN, ROLES, Content, NotGiven
from afterturn.errors import InFuture, InvalidInput, TurnTooLarge

#: Version of the payload in Redis. A reader does not decode newer versions, and leaves them in the stream.
PAYLOAD_VERSION = 1

#: How far a turn's time may be ahead of the clock of the machine that writes it, where no setting says so. Clocks
#: differ by less; what is further ahead would supersede all that is said until then.
FUTURE_LIMIT_SECONDS = 300.0
#: In the payload of a turn whose id its caller chose. Only such an id can be written again long after.
_GIVEN = b'"given":true'
#: What was said begins here in a payload: what stands before may differ when a caller repeats a turn.
_SAID = b'"role"'
_NO_DIGEST = b" " * 16

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
    #: Why its content is not here: the code of an error of the cold archive; None: it is here.
    away: str | None = None
    #: Whether `occurred_at` is the clock of the process that wrote it, because the caller gave no time.
    is_stamped: bool = field(default=False, compare=False, repr=False)
    #: Whether its caller chose its id; known only until it is archived.
    has_given_id: bool = field(default=False, compare=False)

    @property
    def speaker(self) -> str:
        """The speaker's name, or the role where there is no name."""
        return self.name or self.role


def make_turn(
    role: str,
    content: Content,
    *,
    limit_bytes: int,
    turn_id: str | None = None,
    name: str | None = None,
    agent_id: str | None = None,
    occurred_at: datetime | None = None,
    metadata: Mapping[str, Any] | None = None,
    memories_shown: Sequence[str] = (),
    future_seconds: float = FUTURE_LIMIT_SECONDS,
    fields: Mapping[str, Any] | None = None,
) -> Turn:
    """Validate a caller's arguments and return them as a turn.

    NUL and lone surrogates, which Postgres cannot store, become U+FFFD.

    Args:
        role: one of ROLES.
        content: the content of the message: a text, or what else chat APIs allow.
        limit_bytes: the largest allowed turn. Here only the number of characters is compared; `encode` counts bytes.
        turn_id: the caller's id; None: a new one.
        name: the speaker's name.
        agent_id: the agent that wrote the turn.
        occurred_at: when it was said, with a timezone; None: now.
        metadata: JSON data of the caller's.
        memories_shown: ids of the memories in the assistant's prompt.
        future_seconds: how far `occurred_at` may be ahead of this machine's clock.
        fields: the other fields of the message, such as tool_calls.

    Raises InvalidInput (or InvalidId, TurnTooLarge, InFuture) when an argument is invalid.
    """
    if type(content) is not str or type(role) is not str or fields:
        said = chat_messages.read(role, content, fields or {}, name=name, metadata=metadata, limit_bytes=limit_bytes)
        role, content, name, metadata = said.role, said.content, said.name, said.metadata
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
        has_given_id=turn_id is not None,
    )


def make_payload(
    role: object = NOT_GIVEN,
    content: Content | NotGiven = NOT_GIVEN,
    *,
    limit_bytes: int,
    turn_id: str | None = None,
    name: str | None = None,
    agent_id: str | None = None,
    occurred_at: datetime | None = None,
    metadata: Mapping[str, Any] | None = None,
    memories_shown: Sequence[str] = (),
    future_seconds: float = FUTURE_LIMIT_SECONDS,
    fields: Mapping[str, Any] | None = None,
) -> tuple[str, bytes]:
    """Check what a caller wrote and return the new turn's id and its payload for the pending stream.

    A single string is a whole exchange, and `role` may be a whole message. Otherwise the same as
    `encode(make_turn(...))`, and raises the same: on the hot path the Turn between the two costs more than the JSON.
    """
    if type(content) is not str or type(role) is not str or fields:
        said = chat_messages.read(role, content, fields or {}, name=name, metadata=metadata, limit_bytes=limit_bytes)
        role, content, name, metadata = said.role, said.content, said.name, said.metadata
    _check(role, content, metadata, limit_bytes)
    payload: dict[str, Any] = {
        "v": PAYLOAD_VERSION,
        "id": ids.new_turn_id() if turn_id is None else ids.validate_id("turn_id", turn_id),
        "at": time.time() if occurred_at is None else _in_utc(occurred_at, future_seconds).timestamp(),
    }
    if occurred_at is None:
        payload["stamped"] = True
    if turn_id is not None:
        payload["given"] = True
    if agent_id is not None:
        payload["agent"] = agent_id
    if memories_shown:
        payload["shown"] = _validate_shown(memories_shown)
    payload["role"] = role
    payload["content"] = make_storable(content)
    if name is not None:
        payload["name"] = ids.validate_id("name", name)
    if metadata:
        payload["metadata"] = _validate_metadata(metadata)
    return payload["id"], _encoded(payload, limit_bytes)


def encode(turn: Turn, *, limit_bytes: int) -> bytes:
    """Return the payload of a turn for the pending stream.

    Raises TurnTooLarge when it has more than `limit_bytes`, InvalidInput when its metadata is nested too deeply.
    """
    payload: dict[str, Any] = {
        "v": PAYLOAD_VERSION,
        "id": turn.turn_id,
        "at": turn.occurred_at.timestamp(),
    }
    if turn.is_stamped:
        payload["stamped"] = True
    if turn.has_given_id:
        payload["given"] = True
    if turn.agent_id is not None:
        payload["agent"] = turn.agent_id
    if turn.memories_shown:
        payload["shown"] = turn.memories_shown
    if turn.is_imported:
        payload["imported"] = True
    payload["role"] = turn.role
    payload["content"] = turn.content
    if turn.name is not None:
        payload["name"] = turn.name
    if turn.metadata:
        payload["metadata"] = turn.metadata
    return _encoded(payload, limit_bytes)


def content_digest(payload: bytes) -> bytes:
    """Return a digest of what is said in a payload: of role, content, name and metadata, not of id and times.

    16 characters, as the Redis scripts compute it.
    """
    return hashlib.sha1(payload[payload.find(_SAID) :], usedforsecurity=False).hexdigest()[:16].encode()


def digests_of_given(payloads: Sequence[bytes]) -> list[bytes]:
    """Return the last argument of a write: digests of the payloads whose ids callers chose; nothing without such."""
    if not any([has_given_id(payload) for payload in payloads]):
        return []
    return [b"".join([content_digest(payload) if has_given_id(payload) else _NO_DIGEST for payload in payloads])]


def said_by_turn(turn: Turn) -> tuple[Any, ...]:
    """Return what is compared when an id is used again: role, name, content and metadata."""
    return turn.role, turn.name, turn.content, dict(turn.metadata)


def is_said_by_row(turn: Turn, row: Mapping[str, Any]) -> bool:
    """Return whether an archived turn says the same. A text in the cold archive is compared by its digest."""
    digest = row["cold_digest"]
    content = row["content"]
    if digest is not None and hashlib.sha256(turn.content.encode()).hexdigest() == digest:
        content = turn.content
    return said_by_turn(turn) == (row["role"], row["name"], content, row["metadata"])


def has_given_id(payload: bytes) -> bool:
    """Return whether the id of the payload's turn was chosen by its caller. It may be True for other payloads too."""
    return _GIVEN in payload


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
        has_given_id=data.get("given", False),
    )


def _dump_object(value: Any) -> Any:
    """Return JSON data in place of an object of an SDK, such as a tool call."""
    plain = content_parts.to_plain(value)
    if plain is value:
        raise TypeError(f"an object of type {type(value).__name__} is not JSON")
    return plain


_metadata_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_dump_object)


def make_storable(text: str) -> str:
    """Replace the characters of `text` that Postgres cannot store (NUL, lone surrogates) by U+FFFD."""
    if text.isascii() and "\x00" not in text:
        return text
    return _NOT_STORABLE.sub(_REPLACEMENT, text) if _NOT_STORABLE.search(text) else text


def _check(role: object, content: object, metadata: object, limit_bytes: int) -> None:
    """Raise InvalidInput unless these can be the role and content of a turn with this metadata."""
    if role not in ROLES:
        shown = repr(role) if isinstance(role, str) and len(role) <= 20 else "something else"
        raise InvalidInput(f"role must be one of {', '.join(ROLES)}, not {shown}")
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
        # Sorted, as in Postgres: the same data are the same bytes.
        return {make_storable(key): make_json_storable(value[key]) for key in sorted(value)}
    return value
