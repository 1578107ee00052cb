"""Merge users: all that is known of one becomes part of another, such as of a visitor who signs in.

1. The request is a row, so that a crash does not lose it.
2. One transaction under the locks of both users' rows goes over the list of stores: each moves what it has. The leases
   of the source are deleted, so that no work in flight can write; its batches go on as batches of the target.
3. The keys of the source are removed from Redis. Turns that are still written for the source are archived for the
   target: the row stays, as an alias. The hot path does not read it.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from afterturn import faults
from afterturn.access import access_log
from afterturn.access.access_log import Actor
from afterturn.database import queries, sqlstates
from afterturn.database.pool import Connection
from afterturn.database.sqlstates import Kind
from afterturn.errors import MergeRefused
from afterturn.facts import edits
from afterturn.forgetting.erasures import DEADLOCK_ATTEMPTS, Servers
from afterturn.recall.vector_index import building
from afterturn.scopes import SessionScope, UserScope
from afterturn.state import documents
from afterturn.summaries import profile
from afterturn.user_store import UserMerge

_SQL = queries.load("merges")

#: An id has at most 200 characters. The rest is for what tells the sessions apart.
_SESSION_ID_KEPT = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeReceipt:
    """A merge of a user into another one. The same request returns the same receipt."""

    merge_id: UUID
    source_user: str
    #: As it was requested.
    target_user: str
    #: Who has the data now: the target, or the user into whom that was merged since.
    current_target: str
    requested_at: datetime
    #: None until it is completed.
    completed_at: datetime | None
    #: The number of records by kind: "turns" for rows of a table. A kind with `.kept` counts records of the source that
    #: were dropped, because the target has one with the same name.
    moved: dict[str, int]
    #: Sessions of the source that have another id now, because both users had one with the same id.
    sessions: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """Whom a user is part of."""

    target: UserScope
    sessions: Mapping[str, str]

    def redirect(self, session: SessionScope) -> SessionScope:
        """Return the session of the target in which the source's turns go on."""
        name = session.session_id
        # Edits of a person go into the one session that has edits.
        renamed = name if name == edits.SESSION_ID else self.sessions.get(name, name)
        return SessionScope(self.target.tenant_id, self.target.user_id, renamed)


def request_merge(
    connection: Connection, source: UserScope, target: UserScope, *, actor: Actor | None = None
) -> MergeReceipt:
    """Store the request to merge a user into another one, unless there is the same request already.

    Args:
        connection: not in a transaction.
        source: the user who vanishes.
        target: the user of the same tenant who gets everything.
        actor: who requests it, for the access log. Doors give it.

    Raises MergeRefused.
    """
    if source.tenant_id != target.tenant_id:
        raise MergeRefused("the users are of different tenants")
    if source == target:
        raise MergeRefused("a user cannot be merged into itself")
    names = _names(source, target)
    with connection.transaction():
        connection.execute(_SQL["lock_requests"], names)
        known = read_receipt(connection, source)
        if known is not None:
            if known.target_user != target.user_id:
                raise MergeRefused("the user was merged into another user before")
            return known
        row = connection.execute(_SQL["refusal"], names).fetchone() or {}
        if row["is_target_merged"]:
            raise MergeRefused("the target was itself merged into another user")
        if row["is_being_forgotten"]:
            raise MergeRefused("one of the users is being forgotten")
        if actor is not None:
            access_log.record(
                connection, "users.merge", actor=actor, tenant_id=target.tenant_id, user_id=target.user_id
            )
        connection.execute(_SQL["request"], names)
        receipt = read_receipt(connection, source)
    assert receipt is not None, "it was just stored"
    return receipt


def read_receipt(connection: Connection, source: UserScope) -> MergeReceipt | None:
    """Return the receipt of the merge of a user; None if there is none."""
    row = connection.execute(_SQL["read"], _names(source, source)).fetchone()
    if row is None:
        return None
    wanted = MergeReceipt.__dataclass_fields__
    return MergeReceipt(**{name: value for name, value in row.items() if name in wanted})


def read_merge(connection: Connection, target: UserScope, merge_id: UUID) -> MergeReceipt | None:
    """Return the receipt of a merge into this user; None if there is none with this id."""
    row = connection.execute(_SQL["source_of"], _names(target, target) | {"merge_id": merge_id}).fetchone()
    return None if row is None else read_receipt(connection, UserScope(target.tenant_id, row["source_user"]))


def read_aliases(connection: Connection, users: Collection[UserScope]) -> dict[UserScope, Alias]:
    """Return those of these users who are part of others."""
    if not users:
        return {}
    named = {"tenants": [user.tenant_id for user in users], "users": [user.user_id for user in users]}
    return {
        UserScope(row["tenant_id"], row["source_user"]): Alias(
            target=UserScope(row["tenant_id"], row["current_target"]), sessions=row["sessions"]
        )
        for row in connection.execute(_SQL["aliases"], named).fetchall()
    }


def has_live_leases(connection: Connection, source: UserScope) -> bool:
    """Return whether a process works for this user now. Its work would be lost."""
    row = connection.execute(_SQL["live_leases"], _names(source, source)).fetchone()
    return row is not None and row["leases"] > 0


def move(servers: Servers, source: UserScope, *, profile_tokens: int, pending_sessions: Collection[str] = ()) -> bool:
    """Move all rows of a user to the target of the requested merge, in one transaction.

    Args:
        servers: the servers, and the stores with users' data.
        source: the user who vanishes.
        profile_tokens: the longest profile.
        pending_sessions: sessions of the target that may not be in Postgres yet.

    Returns whether the rows are moved; False if no merge was requested.
    """
    for attempt in range(1, DEADLOCK_ATTEMPTS + 1):
        try:
            return _move_once(servers, source, profile_tokens, pending_sessions)
        except psycopg.Error as error:
            if attempt == DEADLOCK_ATTEMPTS or sqlstates.kind_of(error) is not Kind.RETRY:
                raise
    raise AssertionError("unreachable")


def _move_once(servers: Servers, source: UserScope, profile_tokens: int, pending_sessions: Collection[str]) -> bool:
    with servers.postgres.connection() as connection, connection.transaction():
        row = connection.execute(_SQL["read"], _names(source, source)).fetchone()
        if row is None:
            return False
        if row["moved_at"] is not None:
            return True
        names = _names(source, UserScope(source.tenant_id, row["current_target"]))
        connection.execute(_SQL["allow_time"])
        connection.execute(_SQL["add_users"], names)
        locked = {r["user_id"]: r["next_user_seq"] for r in connection.execute(_SQL["lock_users"], names).fetchall()}
        refusal = connection.execute(_SQL["refusal"], names).fetchone() or {}
        if connection.execute(_SQL["lock_merge"], names).fetchone() is None or refusal["is_being_forgotten"]:
            return False
        merge = UserMerge(
            source=source,
            target=UserScope(source.tenant_id, names["target"]),
            batches_before=locked[names["target"]] - 1,
            sessions=_rename_sessions(connection, source, names, pending_sessions),
        )
        _move_rows(servers, merge, connection, names)
        profile.rebuild_profile(connection, merge.target, limit_tokens=profile_tokens)
        faults.point("merge.before_commit")
    return True


def _move_rows(servers: Servers, merge: UserMerge, connection: Connection, names: dict[str, Any]) -> None:
    connection.execute(_SQL["delete_leases"], names)
    connection.execute(_SQL["reset_batches"], names)
    for scope in (merge.source, merge.target):
        building.drop_index(connection, scope)
    connection.execute(_SQL["rename_cold_sessions"], names | {"sessions": Jsonb(merge.sessions)})
    moved: Counter[str] = Counter()
    for store in servers.user_stores:
        moved += store.move(merge, connection)
    faults.point("merge.rows_moved")
    connection.execute(_SQL["join_users"], names)
    connection.execute(_SQL["delete_source"], names)
    counts = {name: count for name, count in sorted(moved.items()) if count}
    result = names | {"moved": Jsonb(counts), "sessions": Jsonb(merge.sessions)}
    connection.execute(_SQL["mark_moved"], result)
    connection.execute(_SQL["follow"], result)
    connection.execute(_SQL["audit"], names | {"details": Jsonb(counts)})


def complete(connection: Connection, source: UserScope) -> None:
    """Mark a merge as completed, after the keys of the source are removed."""
    connection.execute(_SQL["complete"], _names(source, source))


def _rename_sessions(
    connection: Connection, source: UserScope, names: dict[str, Any], pending_sessions: Collection[str]
) -> dict[str, str]:
    """Return new ids for the sessions of the source whose ids the target has too: {old: new}."""
    rows = connection.execute(_SQL["session_ids"], names).fetchall()
    own = {row["session_id"] for row in rows if row["user_id"] == source.user_id}
    theirs = {row["session_id"] for row in rows if row["user_id"] != source.user_id} | set(pending_sessions)
    taken = own | theirs
    renamed = {}
    # The session of agent state has no turns: its rows need no two names.
    for session_id in sorted((own & theirs) - {documents.SESSION_ID}):
        number = 0
        while (name := _session_name(source, session_id, number)) in taken:
            number += 1
        taken.add(name)
        renamed[session_id] = name
    return renamed


def _session_name(source: UserScope, session_id: str, number: int) -> str:
    """Return an id that tells a session of the source from that of the target. It does not contain the user's id."""
    digest = hashlib.sha256(f"{source.user_id}\x00{session_id}\x00{number}".encode()).hexdigest()[:12]
    kept = session_id.encode()[:_SESSION_ID_KEPT].decode(errors="ignore")
    return f"{kept}~{digest}"


def _names(source: UserScope, target: UserScope) -> dict[str, Any]:
    return {"tenant_id": source.tenant_id, "source": source.user_id, "target": target.user_id}
