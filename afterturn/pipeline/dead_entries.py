"""Store entries that cannot be archived, unchanged, in Postgres; replay and discard them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import redis
from psycopg_pool import ConnectionPool

from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import TransitionRefused
from afterturn.forgetting import erasures
from afterturn.hot import pending
from afterturn.hot.entries import Entry
from afterturn.pipeline.archiving import locked
from afterturn.scopes import SessionScope, UserScope

_SQL = queries.load("dead_entries")

#: Namespace of the ids of dead entries. An entry that fails again after a replay keeps its id.
_DEAD_ENTRIES = uuid.UUID("5b0c7f5e-62f1-5c58-9d0f-0f6d3b1f7c44")


def set_aside(
    pool: ConnectionPool[Connection],
    epochs: Mapping[UserScope, int],
    session: SessionScope,
    entry: Entry,
    reason: str,
) -> None:
    """Store an entry as a dead letter, in a transaction of its own.

    Args:
        pool: connections with the worker role.
        epochs: the erasures that were known before the entry was read.
        session: the session of the entry.
        entry: the entry.
        reason: a stable code, and a description of the failure without content.

    Raises TransitionRefused if the user was forgotten since.
    """
    row = session.key | {
        "dead_id": derive_dead_id(session, entry.entry_id),
        "entry_id": entry.entry_id,
        "payload": entry.payload,
        "reason": reason,
    }
    with pool.connection() as connection, connection.transaction():
        locked.lock_users(connection, [session.user], new=[session.user])
        if erasures.read_epochs(connection, [session.user])[session.user] != epochs.get(session.user, 0):
            raise TransitionRefused("a user was forgotten while their turns were being archived")
        connection.execute(_SQL["add"], row)


def derive_dead_id(session: SessionScope, entry_id: str) -> UUID:
    """Return the id of an entry of a session as a dead letter."""
    return uuid.uuid5(_DEAD_ENTRIES, "\x00".join((session.tenant_id, session.user_id, session.session_id, entry_id)))


def replay(connection: Connection, client: redis.Redis, scope: UserScope, dead_ids: Sequence[UUID]) -> list[Any]:
    """Write dead entries of a user back to their pending streams, in the caller's transaction. Returns their rows.

    An entry is written before its row is deleted. If the process dies between the two, the entry is in both places: its
    next archive recognises it by its id.
    """
    rows = connection.execute(_SQL["take"], scope.key | {"dead_ids": list(dead_ids)}).fetchall()
    for row in rows:
        session = SessionScope(scope.tenant_id, scope.user_id, row["session_id"])
        pending.append(client, session, row["entry_id"], row["payload"])
    return rows


def discard(connection: Connection, scope: UserScope, dead_ids: Sequence[UUID]) -> list[Any]:
    """Discard dead entries of a user, in the caller's transaction. Returns their rows."""
    return connection.execute(_SQL["discard"], scope.key | {"dead_ids": list(dead_ids)}).fetchall()
