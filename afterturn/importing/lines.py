"""Parse the lines of an import file. Each line is one turn, as a JSON object."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from afterturn import chat_messages, ids, turns
from afterturn.chat_messages import ROLES, Content
from afterturn.errors import InFuture, InvalidId, InvalidInput, TurnTooLarge
from afterturn.scopes import SessionScope
from afterturn.turns import Turn

FIELDS = ("tenant", "user", "session", "id", "role", "name", "agent", "content", "metadata", "at")
#: Further fields that messages of chat APIs have.
_MESSAGE_FIELDS = chat_messages.MESSAGE_FIELDS.difference(FIELDS)

#: UUID namespace of the ids of turns without an id.
_TURN_NAMESPACE = uuid.UUID("5a5f0a1e-3d0b-5f5e-9a53-6a4e8f0c7b21")


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDefaults:
    """Values for lines that do not have them."""

    tenant_id: str
    user_id: str | None = None
    session_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportLine:
    """One valid line."""

    #: Its number in the file, from 1.
    number: int
    session: SessionScope
    turn: Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class LineProblem:
    """Why a line is invalid. It contains nothing of the line's content."""

    #: The line's number in the file, from 1.
    number: int
    #: A stable code, such as invalid_role.
    code: str
    message: str


#: The largest size of one byte of a turn as JSON: "\\u0041".
_ESCAPED_BYTES = 6
#: Lines up to this size are always read.
_LINE_BYTES = 1_048_576


class _InvalidLine(Exception):
    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message


class LineReader:
    """Parses one file from its beginning.

    A turn without an id gets one that is derived from the line's content and from how many equal lines of the same
    session came before. So the same line is the same turn in every run, wherever it is in the file.
    """

    def __init__(
        self, defaults: LineDefaults, *, limit_bytes: int, future_seconds: float = turns.FUTURE_LIMIT_SECONDS
    ) -> None:
        """Prepare the reading of one file.

        Args:
            defaults: the ids of lines that have none.
            limit_bytes: the largest turn (AFTERTURN_TURN_LIMIT_BYTES).
            future_seconds: how far `at` may be ahead of this machine's clock (AFTERTURN_FUTURE_LIMIT_SECONDS).
        """
        self._future_seconds = future_seconds
        self._defaults = defaults
        self._limit_bytes = limit_bytes
        #: Digest of a line's content -> number of such lines so far.
        self._repetitions: Counter[bytes] = Counter()
        #: Digest of a session and turn id -> digest of the content that the first line with this id has.
        self._content_by_id: dict[bytes, bytes] = {}

    def read_lines(self, lines: Iterable[bytes]) -> Iterator[ImportLine | LineProblem]:
        """Yield the turn of each line, or the problem of an invalid line. Empty lines are skipped."""
        for number, text in enumerate(lines, start=1):
            if not text.strip():
                continue
            try:
                yield self._parse_line(number, text)
            except _InvalidLine as invalid:
                yield LineProblem(number=number, code=invalid.code, message=invalid.message)
            except TurnTooLarge:
                message = f"the turn is larger than AFTERTURN_TURN_LIMIT_BYTES ({self._limit_bytes})"
                yield LineProblem(number=number, code=TurnTooLarge.code, message=message)
            except InFuture:
                message = f"at is further in the future than AFTERTURN_FUTURE_LIMIT_SECONDS ({self._future_seconds:g})"
                yield LineProblem(number=number, code=InFuture.code, message=message)
            except InvalidInput:
                message = "content or metadata cannot be stored"
                yield LineProblem(number=number, code=InvalidInput.code, message=message)

    def _parse_line(self, number: int, text: bytes) -> ImportLine:
        if len(text) > max(_LINE_BYTES, _ESCAPED_BYTES * self._limit_bytes):
            # Its parsed form may be many times larger, and it is no valid turn.
            raise TurnTooLarge
        fields = _parse_object(text)
        session = SessionScope(
            _parse_id(fields, "tenant", self._defaults.tenant_id),
            _parse_id(fields, "user", self._defaults.user_id),
            _parse_id(fields, "session", self._defaults.session_id),
        )
        role, occurred_at, message_fields = _parse_role(fields), _parse_time(fields), _message_fields(fields)
        turn = turns.make_turn(
            role,
            _parse_content(fields),
            limit_bytes=self._limit_bytes,
            turn_id=self._derive_id(session, fields) if fields.get("id") is None else _parse_id(fields, "id", None),
            name=None if fields.get("name") is None else _parse_id(fields, "name", None),
            agent_id=None if fields.get("agent") is None else _parse_id(fields, "agent", None),
            occurred_at=occurred_at,
            metadata=_parse_metadata(fields),
            future_seconds=self._future_seconds,
            fields=message_fields,
        )
        turn = replace(turn, is_imported=True)
        turns.encode(turn, limit_bytes=self._limit_bytes)
        if fields.get("id") is not None:
            self._refuse_duplicate_id(session, turn)
        return ImportLine(number=number, session=session, turn=turn)

    def _derive_id(self, session: SessionScope, fields: Mapping[str, Any]) -> str:
        content: list[Any] = [fields.get(name) for name in ("role", "name", "content", "metadata", "at")]
        content += [message_fields] if (message_fields := _message_fields(fields)) else []
        digest = _digest(session, content)
        self._repetitions[digest] += 1
        return str(uuid.uuid5(_TURN_NAMESPACE, f"{digest.hex()}/{self._repetitions[digest]}"))

    def _refuse_duplicate_id(self, session: SessionScope, turn: Turn) -> None:
        """Raise when an earlier line of the session has the same id and other content: only one could be stored."""
        content = _digest(session, [turn.role, turn.name, turn.content, turn.occurred_at.isoformat()])
        if self._content_by_id.setdefault(_digest(session, turn.turn_id), content) != content:
            raise _InvalidLine("duplicate_id", "an earlier line of the session has this id and other content")


def _digest(session: SessionScope, value: object) -> bytes:
    """Return a digest of JSON data within a session."""
    scoped = [session.tenant_id, session.user_id, session.session_id, value]
    return hashlib.sha256(json.dumps(scoped, sort_keys=True).encode()).digest()[:16]


def _parse_object(text: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(text.decode())
    except (ValueError, RecursionError):
        raise _InvalidLine("not_json", "the line is not JSON in UTF-8") from None
    if not isinstance(fields, dict):
        raise _InvalidLine("not_an_object", "the line is not a JSON object")
    if any(name not in FIELDS and name not in _MESSAGE_FIELDS for name in fields):
        listed = ", ".join(FIELDS)
        raise _InvalidLine("unknown_field", f"a turn has the fields {listed}, and those of a chat API's message")
    return fields


def _parse_id(fields: Mapping[str, Any], name: str, default: str | None) -> str:
    value = default if fields.get(name) is None else fields[name]
    if value is None:
        raise _InvalidLine(f"missing_{name}", f"the line has no {name}, and there is no default")
    try:
        match name:
            case "session":
                return ids.validate_session_id(value)
            case "user":
                return ids.validate_user_id(value, name)
        return ids.validate_id(name, value)
    except InvalidId as error:
        raise _InvalidLine(error.code, str(error)) from None


def _parse_role(fields: Mapping[str, Any]) -> str:
    role = fields.get("role")
    if role not in ROLES:
        raise _InvalidLine("invalid_role", f"role must be one of {', '.join(ROLES)}")
    return str(role)


def _message_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: fields[name] for name in fields.keys() & _MESSAGE_FIELDS if fields[name] is not None}


def _parse_content(fields: Mapping[str, Any]) -> Content:
    content = fields.get("content")
    is_parts = isinstance(content, list) and all(isinstance(part, dict) for part in content)
    is_content = content is None or isinstance(content, str) or is_parts
    if not is_content or not (content or fields.get("metadata") or _message_fields(fields)):
        raise _InvalidLine(
            "invalid_content", "content must be a string or a list of parts, and not empty where there is no metadata"
        )
    return cast(Content, content)


def _parse_metadata(fields: Mapping[str, Any]) -> dict[str, Any] | None:
    metadata = fields.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise _InvalidLine("invalid_metadata", "metadata must be a JSON object")
    return metadata


def _parse_time(fields: Mapping[str, Any]) -> datetime:
    if fields.get("at") is None:
        raise _InvalidLine("missing_at", "the line has no `at`, the time at which it was said")
    try:
        time = datetime.fromisoformat(fields["at"])
    except (TypeError, ValueError):
        raise _InvalidLine("invalid_at", "at must be a time in ISO 8601") from None
    if time.tzinfo is None:
        raise _InvalidLine("invalid_at", "at needs an offset from UTC, such as Z or +01:00")
    if not 1 < time.year < 9999:
        raise _InvalidLine("invalid_at", "at must lie in the years 2 to 9998")
    return time
