"""Erasures: delete all data of a user. A durable row stores the request, so that a crash does not lose it.

1. The request is one short transaction that inserts the row with the number of this erasure.
2. Each store of the list deletes the user's data, the hot store first, while the row is locked. From now on readers
   find no pending or recent turns of the user.
3. One transaction under the user row's lock goes over the stores in reverse order. Postgres is the first: it deletes
   the leases, so that every write in flight fails, and then every row of every table. The other stores delete what was
   written meanwhile. The transaction completes the erasure and removes the user's ids from its row.

Turns that were acknowledged before the erasure completed are deleted. Turns that are written later start a new memory.
An archive task that read turns before the erasure completed is refused: it compares the user's epoch from before the
read (`read_epochs`) with the one under the same lock. If a process dies or a store fails, the row stays unfinished, and
the sweep enqueues the erasure again.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import psycopg
import redis
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool, PoolTimeout

from afterturn import faults
from afterturn.access import access_log
from afterturn.access.access_log import Actor
from afterturn.database import connect_errors, queries, sqlstates
from afterturn.database.pool import Connection
from afterturn.database.sqlstates import Kind
from afterturn.errors import MemoryUnavailable, TransitionRefused
from afterturn.scopes import SessionScope, UserScope
from afterturn.user_store import Erasure, UserStore

logger = logging.getLogger(__name__)

_SQL = queries.load("erasures")
_MERGES_SQL = queries.load("merges")

#: The renewal of a process's leases and the deletion of some of them can deadlock. Postgres then aborts one of the two.
DEADLOCK_ATTEMPTS = 5
#: How long `forget` waits while a worker runs the same erasure.
WAIT_SECONDS = 120.0
_POLL_SECONDS = 0.1


class Servers(Protocol):
    """The part of the runtime that an erasure needs."""

    @property
    def postgres(self) -> ConnectionPool[Connection]: ...
    @property
    def user_stores(self) -> Sequence[UserStore]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The result of an erasure. It contains no ids of the user."""

    #: A hash of tenant id and user id.
    owner_hash: str
    #: How often this user was forgotten, including this time.
    epoch: int
    requested_at: datetime
    #: All turns that were acknowledged before this time are deleted.
    completed_at: datetime
    #: The number of removed records by kind: "turns" for rows of a table, "redis.pending" for entries of a kind of
    #: Redis key. If the erasure was interrupted, more may have been removed.
    removed: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureProgress:
    """How far an erasure is. It contains no ids of the user."""

    epoch: int
    requested_at: datetime
    #: None until it is completed.
    completed_at: datetime | None
    #: The number of records removed so far, by kind, as in the receipt.
    removed: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _LockedErasure:
    """An unfinished erasure that is locked by the current transaction."""

    epoch: int
    token: int
    removed: Counter[str]


def owner_hash(scope: UserScope) -> str:
    """Return the hash that identifies a user in an erasure's row without revealing the ids."""
    return hashlib.sha256(f"{scope.tenant_id}\x00{scope.user_id}".encode()).hexdigest()


def read_epochs(connection: Connection, users: Collection[UserScope]) -> dict[UserScope, int]:
    """Return a number for each of these users that increases when an erasure is requested and when it is completed.

    It is 0 for a user who was never forgotten. A process that reads turns for a transaction reads this number before
    them and compares it inside the transaction.
    """
    by_hash = {owner_hash(scope): scope for scope in users}
    rows = connection.execute(_SQL["epochs"], {"owner_hashes": list(by_hash)}).fetchall()
    found = dict.fromkeys(users, 0)
    return found | {by_hash[row["owner_hash"]]: row["epoch"] for row in rows}


def forget(servers: Servers, scope: UserScope, *, actor: Actor | None = None) -> Receipt:
    """Delete all data of a user. After it returns, export, recall and later prompts contain none of it.

    Args:
        servers: the servers, and the stores with users' data.
        scope: the user.
        actor: who requests it, for the access log. Doors give it.

    Raises MemoryUnavailable if a server does not answer. If the request was stored by then, the workers complete the
    erasure, or another call does.
    """
    epoch, sources = None, list[UserScope]()
    deadline = time.monotonic() + WAIT_SECONDS
    try:
        with servers.postgres.connection() as connection:
            sources = _read_sources(connection, scope)
            epoch = request_erasure(connection, scope, actor=actor)
        for source in sources:
            run_erasure(servers, source)
        while time.monotonic() < deadline:
            run_erasure(servers, scope)
            with servers.postgres.connection() as connection:
                receipt = read_receipt(connection, scope, epoch)
            if receipt is not None:
                return receipt
            time.sleep(_POLL_SECONDS)
    except (psycopg.Error, PoolTimeout, redis.RedisError, MemoryUnavailable) as error:
        state = "was not requested: try again" if epoch is None else "is requested, and the workers will complete it"
        raise MemoryUnavailable(f"{_cause(error)}: the erasure {state}") from error
    raise MemoryUnavailable("the erasure is requested, and a worker is still running it")


def _read_sources(connection: Connection, scope: UserScope) -> list[UserScope]:
    """Return the users who were merged into this one."""
    rows = connection.execute(_MERGES_SQL["sources"], scope.key).fetchall()
    return [UserScope(scope.tenant_id, row["source_user"]) for row in rows]


def _cause(error: Exception) -> str:
    if isinstance(error, MemoryUnavailable):
        return str(error)
    return type(error).__name__ if isinstance(error, redis.RedisError) else str(connect_errors.public_error(error))


def request_erasure(connection: Connection, scope: UserScope, *, actor: Actor | None = None) -> int:
    """Store the request to forget a user, unless one is unfinished, and return the number of the erasure."""
    owner = _owner(scope)
    with connection.transaction():
        # What is still written for users who were merged into this one belongs to it.
        for source in _read_sources(connection, scope):
            request_erasure(connection, source)
        connection.execute(_MERGES_SQL["forget_alias"], scope.key)
        if actor is not None:
            access_log.record(connection, "forget", actor=actor, tenant_id=scope.tenant_id, user_id=scope.user_id)
        connection.execute(_SQL["touch_user"], owner)
        connection.execute(_SQL["request"], owner)
        row = connection.execute(_SQL["last_epoch"], owner).fetchone()
    assert row is not None
    return int(row["epoch"])


def read_receipt(connection: Connection, scope: UserScope, epoch: int) -> Receipt | None:
    """Return the receipt of an erasure; None if it is not completed."""
    row = connection.execute(_SQL["receipt"], _owner(scope) | {"epoch": epoch}).fetchone()
    return None if row is None else Receipt(**row)


def read_progress(connection: Connection, scope: UserScope, epoch: int) -> ErasureProgress | None:
    """Return how far an erasure of the user is; None if there was none with this number."""
    row = connection.execute(_SQL["progress"], _owner(scope) | {"epoch": epoch}).fetchone()
    return None if row is None else ErasureProgress(**row)


def run_erasure(servers: Servers, scope: UserScope) -> bool:
    """Run the unfinished erasure of a user. Return False if there is none, or if another process runs it.

    It can be called again at any time, and continues where an earlier run ended.
    """
    faults.point("erase.begun")
    try:
        sessions = _find_sessions(servers, scope)
        if sessions is None or not _clear(servers, scope, sessions):
            return False
        faults.point("erase.redis_cleared")
        is_done = _complete(servers, scope, sessions)
    except TransitionRefused as error:
        logger.warning("an erasure was not completed by this process: %s", error)
        return False
    faults.point("erase.after_commit")
    return is_done


def _find_sessions(servers: Servers, scope: UserScope) -> frozenset[SessionScope] | None:
    """Return the user's sessions that Postgres or a store knows; None if no unfinished erasure can be locked."""
    with servers.postgres.connection() as connection:
        if _lock_erasure(connection, scope) is None:
            return None
        archived = _archived_sessions(connection, scope)
    # The search may take long, so it runs without the lock. Only the removal needs the lock of the erasure's row.
    return archived.union(*(store.sessions(scope) for store in servers.user_stores))


def _clear(servers: Servers, scope: UserScope, sessions: frozenset[SessionScope]) -> bool:
    """Delete the user's data in each store. Return False if another process has the lock of the erasure's row."""
    for store in servers.user_stores:
        with servers.postgres.connection() as connection, connection.transaction():
            locked = _lock_erasure(connection, scope)
            if locked is None:
                return False
            removed = locked.removed + store.clear(_erasure(scope, locked, sessions))
            connection.execute(_SQL["note_removed"], _result(scope, locked, removed))
    return True


def _complete(servers: Servers, scope: UserScope, sessions: frozenset[SessionScope]) -> bool:
    """Remove the remaining data and complete the erasure."""
    for attempt in range(1, DEADLOCK_ATTEMPTS + 1):
        try:
            return _remove_and_complete(servers, scope, sessions)
        except psycopg.Error as error:
            if attempt == DEADLOCK_ATTEMPTS or sqlstates.kind_of(error) is not Kind.RETRY:
                raise
    raise AssertionError("unreachable")


def _remove_and_complete(servers: Servers, scope: UserScope, sessions: frozenset[SessionScope]) -> bool:
    with servers.postgres.connection() as connection, connection.transaction():
        connection.execute(_SQL["allow_time"])
        connection.execute(_SQL["lock_user"], _owner(scope))
        locked = _lock_erasure(connection, scope)
        if locked is None:
            return False
        erasure = _erasure(scope, locked, sessions | _archived_sessions(connection, scope))
        removed = locked.removed
        for store in reversed(servers.user_stores):
            removed += store.complete(erasure, connection)
        connection.execute(_SQL["complete"], _result(scope, locked, removed))
        faults.point("erase.before_commit")
    logger.info("erasure %d of %s is completed", locked.epoch, erasure.owner_hash)
    return True


def _lock_erasure(connection: Connection, scope: UserScope) -> _LockedErasure | None:
    row = connection.execute(_SQL["take"], _owner(scope)).fetchone()
    return (
        None if row is None else _LockedErasure(epoch=row["epoch"], token=row["token"], removed=Counter(row["removed"]))
    )


def _erasure(scope: UserScope, locked: _LockedErasure, sessions: frozenset[SessionScope]) -> Erasure:
    return Erasure(user=scope, owner_hash=owner_hash(scope), token=locked.token, sessions=sessions)


def _archived_sessions(connection: Connection, scope: UserScope) -> frozenset[SessionScope]:
    rows = connection.execute(_SQL["sessions"], _owner(scope)).fetchall()
    return frozenset(SessionScope(scope.tenant_id, scope.user_id, row["session_id"]) for row in rows)


def _result(scope: UserScope, locked: _LockedErasure, removed: Counter[str]) -> dict[str, Any]:
    counts = {name: count for name, count in sorted(removed.items()) if count}
    return _owner(scope) | {"epoch": locked.epoch, "removed": Jsonb(counts)}


def _owner(scope: UserScope) -> dict[str, Any]:
    return scope.key | {"owner_hash": owner_hash(scope)}
