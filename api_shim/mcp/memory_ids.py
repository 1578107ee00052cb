"""Ids of memories in the answers of tools. A fact has its UUID; a turn has its session in its id."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote
from uuid import UUID

_TURN = "turn"
#: An id of a session or a turn has at most 200 characters of 4 bytes, and a quoted byte has three characters.
ID_LIMIT_CHARACTERS = 4_900


@dataclass(frozen=True, slots=True)
class TurnId:
    """A turn, by its session and its id there."""

    session_id: str
    turn_id: str

    def __str__(self) -> str:
        return "/".join((_TURN, quote(self.session_id, safe=""), quote(self.turn_id, safe="")))


def parse(text: str) -> UUID | TurnId | None:
    """Return the fact or the turn of an id; None if no memory can have such an id."""
    kind, _, rest = text.partition("/")
    session_id, separator, turn_id = rest.partition("/")
    if kind == _TURN and separator:
        return TurnId(unquote(session_id), unquote(turn_id))
    try:
        return UUID(text)
    except ValueError:
        return None
