"""Archive: what is pending in many sessions goes to Postgres, and full batches are cut, in one transaction.

A person's edit is a batch of its own at once, and brings its answer with it.

Under each session row's lock a new turn gets the next position; a turn that is there already changes nothing. Only
then do exactly the committed entries leave Redis. Dying between the two is harmless: they are archived again, which
does nothing, and leave then.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import redis
from psycopg_pool import ConnectionPool

from afterturn import faults
from afterturn.batches.cut import NewBatch
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import TransitionRefused
from afterturn.forgetting import erasures, removal
from afterturn.hot import pending
from afterturn.hot.entries import Entry
from afterturn.hot.pending import Taken
from afterturn.pipeline.archiving import cutting, kinds, locked, repeats
from afterturn.scopes import SessionScope, UserScope
from afterturn.settings import Settings

logger = logging.getLogger(__name__)

#: Entries of one session that one transaction takes. Larger: fewer transactions, longer locks.
ENTRIES_PER_SESSION = 500


def archive(
    client: redis.Redis, pool: ConnectionPool[Connection], settings: Settings, sessions: Sequence[SessionScope]
) -> list[NewBatch]:
    """Archive all that is pending in these sessions, and return the batches that were cut.

    Raises the driver's errors when a server is away; what was not committed is still pending then.
    """
    faults.point("archive.begun")
    new_batches: list[NewBatch] = []
    remaining = list(dict.fromkeys(sessions))
    while remaining:
        epochs, taken = _read(client, pool, remaining)
        faults.point("archive.entries_read")
        try:
            with pool.connection() as connection, connection.transaction():
                cut_now = archive_entries(connection, settings, taken.entries, epochs=epochs)
                gone = removal.removed(connection, taken.entries)
                repeated = repeats.find_repeats(connection, taken.entries)
                faults.point("archive.before_commit")
        except TransitionRefused as error:
            logger.warning("pending turns are read again: %s", error)
            continue
        faults.point("archive.after_commit")
        new_batches += cut_now
        keep = {"keep_recent": settings.recent_turns, "recent_seconds": settings.recent_seconds}
        pending.remove(client, taken, gone, repeated, **keep)
        faults.point("archive.entries_removed")
        remaining = [scope for scope, entries in taken.entries.items() if len(entries) >= ENTRIES_PER_SESSION]
    return new_batches


def cut_due(pool: ConnectionPool[Connection], settings: Settings, *, limit: int) -> list[NewBatch]:
    """Cut batches in the sessions that are due by idle time or age, and return them."""
    with pool.connection() as connection:
        rows = connection.execute(queries.load("sweep")["cut_due"], {"limit": limit}).fetchall()
        if not rows:
            return []
        due: dict[SessionScope, list[Entry]] = {
            SessionScope(row["tenant_id"], row["user_id"], row["session_id"]): [] for row in rows
        }
        with connection.transaction():
            return archive_entries(connection, settings, due)


def archive_entries(
    connection: Connection,
    settings: Settings,
    taken: Mapping[SessionScope, Sequence[Entry]],
    *,
    epochs: Mapping[UserScope, int] | None = None,
) -> list[NewBatch]:
    """Archive these entries and cut what is full, due or flushed, inside the caller's transaction.

    `epochs` are those read before the entries were. Raises TransitionRefused when a user was forgotten since.
    """
    users = {scope.user for scope in taken}
    # What was written makes a user and a session; a cut, or a late message, must not bring back who was forgotten.
    written = [scope for scope, entries in taken.items() if entries]
    next_user_seq = locked.lock_users(connection, users, new={scope.user for scope in written})
    if epochs is not None and erasures.epochs(connection, users) != epochs:
        raise TransitionRefused("a user was forgotten while their turns were being archived")
    scopes = [scope for scope in taken if scope.user in next_user_seq]
    sessions = locked.lock_sessions(connection, scopes, new=written)
    faults.point("archive.rows_locked")
    kinds.archive(connection, settings, sessions, taken)
    return cutting.cut_sessions(connection, settings, sessions.values(), next_user_seq)


def _read(
    client: redis.Redis, pool: ConnectionPool[Connection], sessions: Sequence[SessionScope]
) -> tuple[dict[UserScope, int], Taken]:
    """Return the erasures that are known now, and then what is pending: in this order, so that none is missed."""
    with pool.connection() as connection:
        epochs = erasures.epochs(connection, {scope.user for scope in sessions})
    return epochs, pending.read(client, sessions, limit=ENTRIES_PER_SESSION)
