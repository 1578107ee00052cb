"""The list of a user's sessions: its entries, its statements and its cursors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from afterturn import page_cursors
from afterturn.database import queries
from afterturn.database.statement import Row, Statement
from afterturn.memories import Session
from afterturn.scopes import UserScope

_SQL = queries.load("lists")

#: The first part of the place of a session that is not archived yet, and of one that is.
_PENDING, _ARCHIVED = "pending", "archived"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page starts: after a session that is not archived yet, or after an archived one."""

    after_pending_id: str = ""
    after_time: datetime | None = None
    after_id: str | None = None

    @property
    def has_pending(self) -> bool:
        """Whether the page may have sessions that are not archived yet. They are first in the list."""
        return self.after_time is None


def parse_cursor(user: UserScope, cursor: str | None) -> Place:
    """Return where the page starts. Raises InvalidInput."""
    parts = page_cursors.decode(_list_parts(user), cursor, size=3)
    if parts is None:
        return Place()
    kind, time, session_id = parts
    if kind == _PENDING:
        return Place(after_pending_id=session_id)
    return Place(after_time=page_cursors.parse_time(time), after_id=session_id)


def sessions_statement(user: UserScope, place: Place, *, limit: int) -> Statement:
    """Return the statement for archived sessions, the last active first."""
    arguments = {"after_time": place.after_time, "after_id": place.after_id, "limit": limit}
    return Statement(_SQL["sessions"], user.key | arguments)


def known_sessions_statement(user: UserScope, session_ids: Sequence[str]) -> Statement:
    """Return the statement that reads which of these sessions have archived turns."""
    return Statement(_SQL["known_sessions"], user.key | {"session_ids": list(session_ids)})


def make_pending_session(user: UserScope, session_id: str) -> Session:
    """Return a session that has no archived turn yet."""
    return Session(
        session_id=session_id,
        turns=0,
        is_pending=True,
        created_at=None,
        last_active_at=None,
        last_said_at=None,
        cursor=page_cursors.encode(_list_parts(user), _PENDING, "", session_id),
    )


def parse_session(user: UserScope, row: Row, *, is_pending: bool) -> Session:
    """Return the session in a row of `sessions`."""
    place = (_ARCHIVED, row["last_active_at"].isoformat(), row["session_id"])
    return Session(**row, is_pending=is_pending, cursor=page_cursors.encode(_list_parts(user), *place))


def _list_parts(user: UserScope) -> tuple[Any, ...]:
    return ("sessions", user.tenant_id, user.user_id)
