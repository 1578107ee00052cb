"""Documents of agent state: their names, and their JSON texts.

A text is in ASCII, so that NUL and lone surrogates are kept by every store. A value is refused if it would come back as
another one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from afterturn import ids
from afterturn.errors import InvalidInput
from afterturn.hot import state_documents
from afterturn.scopes import SessionScope, UserScope

#: What a document belongs to, below its user.
StateScope = Literal["user", "session", "agent"]

#: The session whose pending stream has the states of a user. Callers cannot write to it.
SESSION_ID = "~state"
#: The largest JSON text of a document. Larger: each version of a document is written as a whole, so that Redis and
#: Postgres work longer on each. Smaller: agents have to divide what belongs together.
LIMIT_BYTES = 4_194_304
#: The largest size of all documents of a user that Redis keeps, besides those that are not archived. Larger: more of
#: Redis's memory. Smaller: more reads from Postgres.
HOT_BYTES = 16_777_216
#: The longest time after which a document may expire: ten years.
TTL_SECONDS_LIMIT = 315_360_000.0


class Versioned(NamedTuple):
    """The value of a document and its version."""

    #: The JSON value; None if there is no document.
    value: Any
    #: 1 for the first; 0 if there is no document.
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StateEntry:
    """A document in a list, without its value."""

    key: str
    version: int
    updated_at: datetime
    #: None: it does not expire.
    expires_at: datetime | None
    #: The next page begins after it.
    cursor: str


@dataclass(frozen=True, slots=True)
class DocumentName:
    """The name of a document of a user."""

    #: user, session, agent or task.
    scope: str
    #: The id of the session, agent or task; empty for the user.
    owner_id: str
    key: str

    @property
    def field(self) -> str:
        """Its field in Redis's hashes."""
        return state_documents.field_of(self.scope, self.owner_id, self.key)

    @property
    def columns(self) -> dict[str, str]:
        """Its columns in Postgres, as query arguments."""
        return {"scope": self.scope, "owner_id": self.owner_id, "key": self.key}


def parse_field(field: str) -> DocumentName:
    """Return the name of a field: the inverse of `DocumentName.field`."""
    return DocumentName(*state_documents.parse_field(field))


def make_name(session: SessionScope, agent_id: str | None, scope: object, key: object) -> DocumentName:
    """Return the name of a document for a client. Raises InvalidId or InvalidInput."""
    return DocumentName(str(scope), find_owner(session, agent_id, scope), ids.validate_id("key", key))


def find_owner(session: SessionScope, agent_id: str | None, scope: object) -> str:
    """Return the id of what documents of this scope belong to. Raises InvalidInput."""
    if scope == "user":
        return ""
    if scope == "session":
        return session.session_id
    if scope == "agent":
        if agent_id is None:
            raise InvalidInput("scope=agent needs a client with an agent_id")
        return agent_id
    raise InvalidInput("scope must be user, session or agent")


def stream_scope(user: UserScope) -> SessionScope:
    """Return the session whose pending stream has the states of a user."""
    return SessionScope(user.tenant_id, user.user_id, SESSION_ID)


def encode(value: Any) -> str:
    """Return a JSON value as text. Raises InvalidInput if it is not one, or is too large."""
    try:
        text = json.dumps(value, allow_nan=False, separators=(",", ":"))
        is_kept = json.loads(text) == value or json.loads(text) == _with_lists(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"the document is no JSON value that can be kept: {_reason(error)}") from None
    if not is_kept:
        raise InvalidInput("the document is no JSON value that can be kept: it has two surrogates in a row")
    if len(text) > LIMIT_BYTES:
        raise InvalidInput(f"the document has {len(text)} bytes as JSON; {LIMIT_BYTES} are allowed")
    return text


def decode(text: str | bytes) -> Any:
    """Return the value of a text that `encode` made."""
    return json.loads(text)


def parse(body: bytes) -> Any:
    """Return the value of a JSON text from outside, in UTF-8. Raises InvalidInput."""
    try:
        return json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the document is no JSON value that can be kept: {_reason(error)}") from None


def validate_ttl(ttl_seconds: float | None) -> float | None:
    """Return the time after which a document expires, seconds. Raises InvalidInput."""
    if ttl_seconds is None:
        return None
    if isinstance(ttl_seconds, bool) or not isinstance(ttl_seconds, (int, float)):
        raise InvalidInput("ttl_seconds must be a number")
    if not 0.001 <= ttl_seconds <= TTL_SECONDS_LIMIT:
        raise InvalidInput(f"ttl_seconds must be 0.001 to {TTL_SECONDS_LIMIT:.0f}")
    return float(ttl_seconds)


def validate_expected(expected: int | None) -> int | None:
    """Return the version that a document must have. Raises InvalidInput."""
    if expected is None:
        return None
    if isinstance(expected, bool) or not isinstance(expected, int) or not 0 <= expected < 2**53:
        raise InvalidInput("expected must be a version: an integer, or 0 if there must be no document")
    return expected


def validate_fence(fence: int | None) -> int | None:
    """Return the fence of a lock. Raises InvalidInput."""
    if fence is None:
        return None
    if isinstance(fence, bool) or not isinstance(fence, int) or not 0 < fence < 2**53:
        raise InvalidInput("fence must be the fence of a lock: a positive integer")
    return fence


def _with_lists(value: Any) -> Any:
    """Return the value with lists for tuples. Raises TypeError for a key that is no string."""
    if isinstance(value, dict):
        if any(not isinstance(key, str) for key in value):
            raise TypeError("a key of an object is not a string")
        return {key: _with_lists(item) for key, item in value.items()}
    return [_with_lists(item) for item in value] if isinstance(value, (list, tuple)) else value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _reason(error: Exception) -> str:
    """Return why a value is refused, without the value."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} (character {error.pos})"
    return str(error)
