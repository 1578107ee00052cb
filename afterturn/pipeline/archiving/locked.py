"""Lock the rows of users and sessions for an archive: the users first, then the sessions."""

from __future__ import annotations

from collections import Counter
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
    """A locked session row, and what this transaction changes."""

    scope: SessionScope
    next_position: int
    cut_through: int
    uncut_tokens: int
    uncut_since: datetime | None
    is_cut_due: bool
    now: datetime
    #: Time since turns were last archived; 0 for a new session.
    silent_seconds: float
    added: list[UncutTurn] = field(default_factory=list)
    is_flushed: bool = False
    #: The positions of the imported turns among them.
    imported: set[int] = field(default_factory=set)
    #: The answers of edits, by the position of the edit.
    answers: dict[int, str] = field(default_factory=dict)

    @property
    def holds_edits(self) -> bool:
        """Whether its turns are edits of a user: each becomes a batch at once."""
        return self.scope.session_id == edits.SESSION_ID


def lock_users(
    connection: Connection, users: Collection[UserScope], *, new: Collection[UserScope]
) -> dict[UserScope, int]:
    """Insert the missing rows of `new`, lock the rows of these users, and return their next batch numbers."""
    connection.execute(_SQL["add_users"], named_users(new))
    rows = connection.execute(_SQL["lock_users"], named_users(users)).fetchall()
    return {UserScope(row["tenant_id"], row["user_id"]): row["next_user_seq"] for row in rows}


def lock_sessions(
    connection: Connection, scopes: Collection[SessionScope], *, new: Collection[SessionScope]
) -> dict[SessionScope, LockedSession]:
    """Insert the missing rows of `new`, lock the rows of these sessions, and return them."""
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
            silent_seconds=row["silent_seconds"],
        )
    return locked


def read_first_open_batches(connection: Connection, users: Collection[UserScope]) -> dict[UserScope, int]:
    """Return the number of the first open batch of each of these users who has one."""
    if not users:
        return {}
    rows = connection.execute(_SQL["first_open_batches"], named_users(users)).fetchall()
    return {UserScope(row["tenant_id"], row["user_id"]): row["user_seq"] for row in rows}


def count_first_batches(connection: Connection, users: Collection[UserScope], *, crowd: int) -> Counter[str]:
    """Return how many first batches of users wait to be extracted, of each of the users' tenants, up to `crowd`."""
    if not users:
        return Counter()
    arguments = {"tenants": [user.tenant_id for user in users], "crowd": crowd}
    rows = connection.execute(_SQL["first_batches_of_tenants"], arguments).fetchall()
    return Counter({row["tenant_id"]: row["waiting"] for row in rows})


def named_users(scopes: Collection[UserScope | SessionScope]) -> dict[str, list[str]]:
    """Return these users as query arguments, one array per column."""
    return {"tenants": [scope.tenant_id for scope in scopes], "users": [scope.user_id for scope in scopes]}


def named_sessions(scopes: Collection[SessionScope]) -> dict[str, list[str]]:
    """Return these sessions as query arguments, one array per column."""
    return named_users(scopes) | {"sessions": [scope.session_id for scope in scopes]}
