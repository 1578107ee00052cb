"""Archive: write the pending entries of many sessions to Postgres and cut full batches, in one transaction.

Each edit of a person becomes a batch at once. Its entry already contains the answer.

Under the lock of the session's row, a new turn gets the next position; a turn that is already archived changes nothing.
After the commit, exactly the committed entries are removed from Redis. A crash between the two is harmless: the entries
are archived again without effect, and then removed. If the transaction fails because of its entries, smaller ones
follow, down to the entry that cannot be stored, which becomes a dead letter (`archiving/isolation.py`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from functools import partial

import redis
from psycopg_pool import ConnectionPool

from afterturn import faults
from afterturn.batches.cut import NewBatch
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import TransitionRefused
from afterturn.forgetting import erasures, removal
from afterturn.hot import pending, state_documents
from afterturn.hot.entries import Entry
from afterturn.hot.pending import Taken
from afterturn.languages import detection
from afterturn.pipeline import dead_entries
from afterturn.pipeline.archiving import cutting, kinds, locked, redirection, repeats
from afterturn.pipeline.archiving.isolation import ArchivedPart, Isolation
from afterturn.pipeline.hand_out import NO_DIRECT_ROOM, DirectRoom
from afterturn.scopes import SessionScope, UserScope
from afterturn.settings import Settings

logger = logging.getLogger(__name__)

#: Entries that one transaction takes of a session that is alone in it, and of many sessions together. Larger: fewer
#: transactions, but longer locks, and the other sessions of the task wait longer.
ENTRIES_PER_SESSION = 500
ENTRIES_PER_TRANSACTION = 1_000
#: Removals that one transaction applies for one session: each costs as much as dozens of turns.
REMOVALS_PER_SESSION = 20
#: A task begins no further transaction after this time. The next sweep finds the rest of long sessions. So the batches
#: of the task's other sessions are handed on soon, and its process is free for other tasks.
SECONDS_PER_TASK = 0.5


def archive(
    client: redis.Redis,
    pool: ConnectionPool[Connection],
    settings: Settings,
    sessions: Sequence[SessionScope],
    *,
    room: DirectRoom = NO_DIRECT_ROOM,
) -> list[NewBatch]:
    """Archive pending entries of these sessions, within the limits of one task, and return the batches that were cut.

    Those for which there is `room` are marked as handed on: the caller sends them.

    Raises the driver's errors when a server is unavailable; entries that were not committed stay pending.
    """
    faults.point("archive.begun")
    detection.load()
    new_batches: list[NewBatch] = []
    remaining = list(dict.fromkeys(sessions))
    ends_at = time.monotonic() + SECONDS_PER_TASK
    is_begun = False
    while remaining and not (is_begun and time.monotonic() >= ends_at):
        is_begun = True
        limit = _entries_per_session(len(remaining))
        epochs, taken, unread = _read(client, pool, settings, remaining, limit=limit)
        faults.point("archive.entries_read")
        archive_part = partial(_archive_part, pool, settings, epochs, room)
        set_aside = partial(dead_entries.set_aside, pool, epochs)
        isolation = Isolation(archive_part, set_aside)
        try:
            for part in isolation.archive(taken.entries):
                faults.point("archive.after_commit")
                new_batches += part.new_batches
                _remove(client, settings, taken, part)
                faults.point("archive.entries_removed")
        except TransitionRefused as error:
            logger.warning("pending turns are read again: %s", error)
            continue
        remaining = [scope for scope in taken.entries if scope in unread and scope not in isolation.waiting]
    return new_batches


def cut_due(pool: ConnectionPool[Connection], settings: Settings, *, limit: int) -> list[NewBatch]:
    """Cut batches in up to `limit` of the sessions that are due by idle time or age, and return the batches."""
    with pool.connection() as connection:
        rows = connection.execute(queries.load("sweep")["cut_due"], {"limit": -(-limit // 2)}).fetchall()
        if not rows:
            return []
    due: dict[SessionScope, list[Entry]] = {
        SessionScope(row["tenant_id"], row["user_id"], row["session_id"]): [] for row in rows
    }
    isolation = Isolation(
        partial(_archive_part, pool, settings, None, NO_DIRECT_ROOM), partial(dead_entries.set_aside, pool, {})
    )
    return [batch for part in isolation.archive(due) for batch in part.new_batches]


def _archive_part(
    pool: ConnectionPool[Connection],
    settings: Settings,
    epochs: Mapping[UserScope, int] | None,
    room: DirectRoom,
    entries: Mapping[SessionScope, Sequence[Entry]],
) -> ArchivedPart:
    """Archive these entries in one transaction."""
    known = None if epochs is None else {scope.user: epochs[scope.user] for scope in entries}
    with pool.connection() as connection, connection.transaction():
        redirected = redirection.redirect(connection, entries)
        new_batches = archive_entries(connection, settings, redirected.entries, epochs=known, room=room)
        taken_back = removal.read_removed_turn_ids(connection, redirected.entries)
        repeated = repeats.find_repeats(connection, redirected.entries)
        faults.point("archive.before_commit")
    return ArchivedPart(
        entries=entries,
        new_batches=new_batches,
        taken_back=redirected.back(taken_back),
        repeated=redirected.back(repeated),
    )


def _remove(client: redis.Redis, settings: Settings, taken: Taken, part: ArchivedPart) -> None:
    """Remove the entries of a part from Redis."""
    if not part.set_aside:
        state_documents.mark_archived(client, part.entries, keep_seconds=settings.recent_seconds)
    pending.remove_entries(
        client,
        Taken(entries={scope: list(done) for scope, done in part.entries.items()}, unreadable=taken.unreadable),
        part.taken_back,
        part.repeated,
        set_aside=part.set_aside,
        keep_recent=settings.recent_turns,
        recent_seconds=settings.recent_seconds,
        recent_limit_bytes=settings.turn_limit_bytes,
    )


def archive_entries(
    connection: Connection,
    settings: Settings,
    taken: Mapping[SessionScope, Sequence[Entry]],
    *,
    epochs: Mapping[UserScope, int] | None = None,
    room: DirectRoom = NO_DIRECT_ROOM,
) -> list[NewBatch]:
    """Archive these entries and cut what is full, due or flushed, inside the caller's transaction.

    `epochs` were read before the entries. Raises TransitionRefused when a user was forgotten or merged since.
    """
    users = {scope.user for scope in taken}
    # Only entries create a user and a session: a cut or a late message must not create a forgotten user again.
    written = [scope for scope, entries in taken.items() if entries]
    next_user_seq = locked.lock_users(connection, users, new={scope.user for scope in written})
    # Of those for whom they were written: the target of a merge is forgotten together with its sources.
    if epochs is not None and erasures.read_epochs(connection, epochs) != epochs:
        raise TransitionRefused("a user was forgotten while their turns were being archived")
    if any(scope.user not in next_user_seq for scope in written):
        raise TransitionRefused("a user was merged into another one while their turns were being archived")
    scopes = [scope for scope in taken if scope.user in next_user_seq]
    sessions = locked.lock_sessions(connection, scopes, new=written)
    faults.point("archive.rows_locked")
    kinds.archive(connection, settings, sessions, taken)
    return cutting.cut_sessions(connection, settings, sessions.values(), next_user_seq, room)


def _entries_per_session(sessions: int) -> int:
    """Return how many entries of each session one transaction takes, if it takes those of so many sessions."""
    return max(1, min(ENTRIES_PER_SESSION, ENTRIES_PER_TRANSACTION // sessions))


def _read(
    client: redis.Redis,
    pool: ConnectionPool[Connection],
    settings: Settings,
    sessions: Sequence[SessionScope],
    *,
    limit: int,
) -> tuple[dict[UserScope, int], Taken, set[SessionScope]]:
    """Read the erasures, and then the pending entries: in this order, so that no erasure is missed.

    Last come the sessions of which more is pending than one transaction takes.
    """
    with pool.connection() as connection:
        epochs = erasures.read_epochs(connection, {scope.user for scope in sessions})
    found = pending.read_entries(client, sessions, limit=limit)
    entries = {scope: _limit_removals(given) for scope, given in found.entries.items()}
    if settings.turn_secrets == "redact":
        entries = {scope: [entry.without_secrets() for entry in given] for scope, given in entries.items()}
    unread = {
        scope for scope, given in found.entries.items() if len(given) >= limit or len(entries[scope]) < len(given)
    }
    return epochs, Taken(entries=entries, unreadable=found.unreadable), unread


def _limit_removals(entries: list[Entry]) -> list[Entry]:
    """Return the entries up to the last removal that one transaction applies."""
    removals = [place for place, entry in enumerate(entries) if entry.target_turn_id is not None]
    return entries if len(removals) <= REMOVALS_PER_SESSION else entries[: removals[REMOVALS_PER_SESSION]]
