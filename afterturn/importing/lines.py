"""The lines of a file of old conversations: each is a turn, as JSON."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from afterturn import ids, turns
from afterturn.errors import InvalidId, InvalidInput, TurnTooLarge
from afterturn.scopes import SessionScope
from afterturn.turns import Turn

FIELDS = ("tenant", "user", "session", "id", "role", "name", "agent", "content", "metadata", "at")

#: Namespace of the ids of turns that bring none.
_TURNS = uuid.UUID("5a5f0a1e-3d0b-5f5e-9a53-6a4e8f0c7b21")


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What a line is taken to say where it says nothing."""

    tenant_id: str
    user_id: str | None = None
    session_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line that can be imported."""

    number: int
    session: SessionScope
    turn: Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a line cannot be imported; nothing of what it says is repeated."""

    number: int
    #: Stable.
    code: str
    message: str


class _Bad(Exception):
    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message


class Reader:
    """Reads one file from its beginning.

    A turn without an id gets one that follows from what the line says, and from how often the same session has said
    just that before: the same line is the same turn, in every run, wherever in the file it stands.
    """

    def __init__(self, defaults: Defaults, *, limit_bytes: int) -> None:
        self._defaults = defaults
        self._limit_bytes = limit_bytes
        self._seen: Counter[bytes] = Counter()
        self._given: dict[bytes, bytes] = {}

    def read(self, lines: Iterable[bytes]) -> Iterator[Line | Problem]:
        """Yield what each line says, or what is wrong with it. Empty lines are passed over."""
        for number, text in enumerate(lines, start=1):
            if not text.strip():
                continue
            try:
                yield self._line(number, text)
            except _Bad as bad:
                yield Problem(number=number, code=bad.code, message=bad.message)
            except TurnTooLarge:
                message = f"the turn is larger than AFTERTURN_TURN_LIMIT_BYTES ({self._limit_bytes})"
                yield Problem(number=number, code=TurnTooLarge.code, message=message)
            except InvalidInput:
                yield Problem(number=number, code=InvalidInput.code, message="content or metadata cannot be stored")

    def _line(self, number: int, text: bytes) -> Line:
        said = _object(text)
        session = SessionScope(
            _id(said, "tenant", self._defaults.tenant_id),
            _id(said, "user", self._defaults.user_id),
            _id(said, "session", self._defaults.session_id),
        )
        role, content, moment = _role(said), _content(said), _moment(said)
        turn = turns.make_turn(
            role,
            content,
            limit_bytes=self._limit_bytes,
            turn_id=self._id_of(session, said) if said.get("id") is None else _id(said, "id", None),
            name=None if said.get("name") is None else _id(said, "name", None),
            agent_id=None if said.get("agent") is None else _id(said, "agent", None),
            occurred_at=moment,
            metadata=_metadata(said),
        )
        turn = replace(turn, is_imported=True)
        turns.encode(turn, limit_bytes=self._limit_bytes)
        if said.get("id") is not None:
            self._refuse_second(session, turn)
        return Line(number=number, session=session, turn=turn)

    def _id_of(self, session: SessionScope, said: Mapping[str, Any]) -> str:
        told = [said.get(name) for name in ("role", "name", "content", "metadata", "at")]
        digest = _digest(session, told)
        self._seen[digest] += 1
        return str(uuid.uuid5(_TURNS, f"{digest.hex()}/{self._seen[digest]}"))

    def _refuse_second(self, session: SessionScope, turn: Turn) -> None:
        """Refuse an id that an earlier line of the session has given to something else: only one could be kept."""
        told = _digest(session, [turn.role, turn.name, turn.content, turn.occurred_at.isoformat()])
        if self._given.setdefault(_digest(session, turn.turn_id), told) != told:
            raise _Bad("duplicate_id", "an earlier line of the session has this id and says something else")


def _digest(session: SessionScope, told: object) -> bytes:
    named = [session.tenant_id, session.user_id, session.session_id, told]
    return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).digest()[:16]


def _object(text: bytes) -> dict[str, Any]:
    try:
        said = json.loads(text.decode())
    except (ValueError, RecursionError):
        raise _Bad("not_json", "the line is not JSON in UTF-8") from None
    if not isinstance(said, dict):
        raise _Bad("not_an_object", "the line is not a JSON object")
    if any(name not in FIELDS for name in said):
        raise _Bad("unknown_field", f"a turn has the fields {', '.join(FIELDS)}, and no others")
    return said


def _id(said: Mapping[str, Any], name: str, default: str | None) -> str:
    value = default if said.get(name) is None else said[name]
    if value is None:
        raise _Bad(f"missing_{name}", f"the line names no {name}, and there is no default")
    try:
        return ids.validate_session_id(value) if name == "session" else ids.validate_id(name, value)
    except InvalidId as error:
        raise _Bad(error.code, str(error)) from None


def _role(said: Mapping[str, Any]) -> str:
    role = said.get("role")
    if role not in turns.ROLES:
        raise _Bad("invalid_role", f"role must be one of {', '.join(turns.ROLES)}")
    return str(role)


def _content(said: Mapping[str, Any]) -> str:
    content = said.get("content")
    if content is None and said.get("metadata"):
        return ""
    if not isinstance(content, str) or not (content or said.get("metadata")):
        raise _Bad("invalid_content", "content must be a string, and not empty where there is no metadata")
    return content


def _metadata(said: Mapping[str, Any]) -> dict[str, Any] | None:
    metadata = said.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise _Bad("invalid_metadata", "metadata must be a JSON object")
    return metadata


def _moment(said: Mapping[str, Any]) -> datetime:
    if said.get("at") is None:
        raise _Bad("missing_at", "the line does not say when it was said")
    try:
        moment = datetime.fromisoformat(said["at"])
    except (TypeError, ValueError):
        raise _Bad("invalid_at", "at must be a time in ISO 8601") from None
    if moment.tzinfo is None:
        raise _Bad("invalid_at", "at needs an offset from UTC, such as Z or +01:00")
    if not 1 < moment.year < 9999:
        raise _Bad("invalid_at", "at must lie in the years 2 to 9998")
    return moment
