"""Archive new versions of documents of agent state, and clean up old ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.hot.entries import Entry
from afterturn.pipeline.archiving.locked import LockedSession

_SQL = queries.load("state")

#: How long a deleted document keeps its version. Shorter: an agent that read it before may overwrite a new document of
#: the same key with the same version. Longer: more rows without values.
DELETED_DAYS = 7
#: Rows that one clean-up changes. Those that remain are left to the next one.
ROWS_PER_CLEAN_UP = 10_000


def add_versions(connection: Connection, entries: Iterable[tuple[LockedSession, Entry]]) -> None:
    """Store the newest version of each document, unless Postgres has it or a newer one."""
    newest: dict[tuple[Any, ...], dict[str, Any]] = {}
    for session, entry in entries:
        version = entry.state_version
        assert version is not None, "the entry is of the kind of states"
        row = session.scope.user.key | {
            "scope": version.scope,
            "owner_id": version.owner_id,
            "key": version.key,
            "version": version.version,
            "document": version.document,
            "fence": version.fence,
            "put_id": entry.entry_id,
            "ttl_seconds": version.ttl_seconds,
        }
        identity = (session.scope.user, version.scope, version.owner_id, version.key)
        if identity not in newest or newest[identity]["version"] < version.version:
            newest[identity] = row
    if newest:
        with connection.cursor() as cursor:
            cursor.executemany(_SQL["archive"], [newest[identity] for identity in sorted(newest)])


def clean_up(connection: Connection) -> None:
    """Delete the values of expired documents, and remove what was deleted long ago."""
    connection.execute(_SQL["empty_expired"], {"limit": ROWS_PER_CLEAN_UP})
    connection.execute(_SQL["remove_deleted"], {"limit": ROWS_PER_CLEAN_UP, "days": DELETED_DAYS})
