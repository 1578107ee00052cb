"""The users' and sessions' rows that an archive locks, user before session, and what it does to them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from afterturn.batches.cut import UncutTurn
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.facts import edits
from afterturn.scopes import SessionScope, UserScope

_SQL = queries.load("archive")


@dataclass(slots=True)
class LockedSession:
    """One session row under its lock, and what this transaction does to it."""

    scope: SessionScope
    next_position: int
    cut_through: int
    uncut_tokens: int
    uncut_since: datetime | None
    is_cut_due: bool
    now: datetime
    added: list[UncutTurn] = field(default_factory=list)
    is_flushed: bool = False
    #: The positions of those among them that were imported.
    imported: set[int] = field(default_factory=set)
    #: The answers that edits bring with them, by the edit's position.
    answers: dict[int, str] = field(default_factory=dict)

    @property
    def holds_edits(self) -> bool:
        """Whether its turns are a person's edits: each becomes a batch at once."""
        return self.scope.session_id == edits.SESSION_ID


def lock_users(
    connection: Connection, users: Collection[UserScope], *, new: Collection[UserScope]
) -> dict[UserScope, int]:
    """Lock these users' rows, after making those of `new`; return each one's next batch number."""
    connection.execute(_SQL["add_users"], named_users(new))
    rows = connection.execute(_SQL["lock_users"], named_users(users)).fetchall()
    return {UserScope(row["tenant_id"], row["user_id"]): row["next_user_seq"] for row in rows}


def lock_sessions(
    connection: Connection, scopes: Collection[SessionScope], *, new: Collection[SessionScope]
) -> dict[SessionScope, LockedSession]:
    """Lock these sessions' rows, after making those of `new`; return each as it stands."""
    connection.execute(_SQL["add_sessions"], named_sessions(new))
    locked = {}
    for row in connection.execute(_SQL["lock_sessions"], named_sessions(scopes)).fetchall():
        scope = SessionScope(row["tenant_id"], row["user_id"], row["session_id"])
        locked[scope] = LockedSession(
            scope=scope,
            next_position=row["next_position"],
            cut_through=row["cut_through"],
            uncut_tokens=row["uncut_tokens"],
            uncut_since=row["uncut_since"],
            is_cut_due=bool(row["is_cut_due"]),
            now=row["now"],
        )
    return locked


def named_users(scopes: Collection[UserScope | SessionScope]) -> dict[str, list[str]]:
    """Return these users as query arguments, an array per column."""
    return {"tenants": [scope.tenant_id for scope in scopes], "users": [scope.user_id for scope in scopes]}


def named_sessions(scopes: Collection[SessionScope]) -> dict[str, list[str]]:
    """Return these sessions as query arguments, an array per column."""
    return named_users(scopes) | {"sessions": [scope.session_id for scope in scopes]}
