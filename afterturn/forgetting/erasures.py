"""Erasures: forgetting a user, driven to its end by a durable row, whatever dies on the way.

1. The request is one short transaction: the row, with the number of this erasure.
2. Each store of the list is cleared of the user, the hot store first, while the row is locked: from here on nothing is
   read of what was pending or recent.
3. One transaction under the user row's lock goes over the stores in reverse: Postgres first, which deletes the leases,
   so that every write in flight fails, then every row of every table; then the others, once more. It completes the
   erasure, after which its row names nobody.

What was acknowledged before the erasure completed is gone; what is written afterwards is a new beginning. An archive
that read turns before the end is refused, because it compares the erasures that it knew of (`epochs`) under the same
lock. Dying anywhere, or a store that fails, leaves the row unfinished, and the sweep finds it.
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
from afterturn.database import queries, sqlstates
from afterturn.database.pool import Connection
from afterturn.database.sqlstates import Kind
from afterturn.errors import MemoryUnavailable, TransitionRefused
from afterturn.scopes import SessionScope, UserScope
from afterturn.user_store import Erasure, UserStore

logger = logging.getLogger(__name__)

_SQL = queries.load("erasures")

#: A renewal of all leases of a process and the deletion of some of them may each wait for the other; Postgres ends one.
DEADLOCK_ATTEMPTS = 5
#: How long `forget` waits while a worker carries the same erasure out.
WAIT_SECONDS = 120.0
_POLL_SECONDS = 0.1


class Servers(Protocol):
    """What an erasure needs of the runtime."""

    @property
    def postgres(self) -> ConnectionPool[Connection]: ...
    @property
    def user_stores(self) -> Sequence[UserStore]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What came of an erasure. It names nobody."""

    #: Stands for the user: whoever knows tenant and user id can find it again.
    owner_hash: str
    #: How often this user was forgotten, this time included.
    epoch: int
    requested_at: datetime
    #: What was acknowledged before this moment is gone.
    completed_at: datetime
    #: How much was removed, by kind of record: "turns" for rows of a table, "redis.pending" for entries of a kind of
    #: Redis key. At least this much, where the erasure was interrupted.
    removed: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """An unfinished erasure that is locked by the current transaction."""

    epoch: int
    token: int
    removed: Counter[str]


def owner_hash(scope: UserScope) -> str:
    """Return what stands for a user in an erasure's row: it can be found again, but names nobody."""
    return hashlib.sha256(f"{scope.tenant_id}\x00{scope.user_id}".encode()).hexdigest()


def epochs(connection: Connection, users: Collection[UserScope]) -> dict[UserScope, int]:
    """Return a number for each of these users that grows with every erasure, when it is asked for and when it is done.

    Whoever was never forgotten is 0. Who reads turns for a transaction reads this first, and compares it there.
    """
    by_hash = {owner_hash(scope): scope for scope in users}
    rows = connection.execute(_SQL["epochs"], {"owner_hashes": list(by_hash)}).fetchall()
    found = dict.fromkeys(users, 0)
    return found | {by_hash[row["owner_hash"]]: row["epoch"] for row in rows}


def unfinished(connection: Connection, *, limit: int = 100) -> list[UserScope]:
    """Return users whose erasure was begun and not finished, the oldest request first."""
    rows = connection.execute(_SQL["unfinished"], {"limit": limit}).fetchall()
    return [UserScope(row["tenant_id"], row["user_id"]) for row in rows]


def forget(servers: Servers, scope: UserScope) -> Receipt:
    """Forget a user: export, recall and every later prompt know nothing of them when this returns.

    Raises MemoryUnavailable when a server does not answer. An erasure that was noted is carried out all the same, by
    the workers as soon as they can, or by calling this again.
    """
    epoch = None
    deadline = time.monotonic() + WAIT_SECONDS
    try:
        with servers.postgres.connection() as connection:
            epoch = request(connection, scope)
        while time.monotonic() < deadline:
            carry_out(servers, scope)
            with servers.postgres.connection() as connection:
                done = receipt(connection, scope, epoch)
            if done is not None:
                return done
            time.sleep(_POLL_SECONDS)
    except (psycopg.Error, PoolTimeout, redis.RedisError, MemoryUnavailable) as error:
        state = "is not even noted: try again" if epoch is None else "is noted, and will be carried out by the workers"
        raise MemoryUnavailable(f"{_cause(error)}: the erasure {state}") from error
    raise MemoryUnavailable("the erasure is noted, and a worker is still at it")


def _cause(error: Exception) -> str:
    if isinstance(error, MemoryUnavailable):
        return str(error)
    return type(error).__name__ if isinstance(error, redis.RedisError) else str(sqlstates.public_error(error))


def request(connection: Connection, scope: UserScope) -> int:
    """Note that a user is to be forgotten, and return the erasure's number; one that is under way will do."""
    owner = _owner(scope)
    with connection.transaction():
        connection.execute(_SQL["touch_user"], owner)
        connection.execute(_SQL["request"], owner)
        row = connection.execute(_SQL["last_epoch"], owner).fetchone()
    assert row is not None
    return int(row["epoch"])


def receipt(connection: Connection, scope: UserScope, epoch: int) -> Receipt | None:
    """Return the receipt of an erasure; None while it is not done."""
    row = connection.execute(_SQL["receipt"], _owner(scope) | {"epoch": epoch}).fetchone()
    return None if row is None else Receipt(**row)


def carry_out(servers: Servers, scope: UserScope) -> bool:
    """Do what a user's unfinished erasure asks for. Returns whether it did; False when there is none, or others do it.

    May be repeated at any time, and goes on wherever an earlier run ended.
    """
    faults.point("erase.begun")
    try:
        sessions = _find_sessions(servers, scope)
        if sessions is None or not _clear(servers, scope, sessions):
            return False
        faults.point("erase.redis_cleared")
        is_done = _complete(servers, scope, sessions)
    except TransitionRefused as error:
        logger.warning("an erasure was not carried out here: %s", error)
        return False
    faults.point("erase.after_commit")
    return is_done


def _find_sessions(servers: Servers, scope: UserScope) -> frozenset[SessionScope] | None:
    """Return the user's sessions that anybody knows of; None when there is nothing to be done."""
    with servers.postgres.connection() as connection:
        if _take(connection, scope) is None:
            return None
        archived = _archived_sessions(connection, scope)
    # The search may take a while, and holds nothing; only what removes must hold the erasure.
    return archived.union(*(store.sessions(scope) for store in servers.user_stores))


def _clear(servers: Servers, scope: UserScope, sessions: frozenset[SessionScope]) -> bool:
    """Clear each store of the user; False when somebody else is at it."""
    for store in servers.user_stores:
        with servers.postgres.connection() as connection, connection.transaction():
            taken = _take(connection, scope)
            if taken is None:
                return False
            removed = taken.removed + store.clear(_erasure(scope, taken, sessions))
            connection.execute(_SQL["note_removed"], _result(scope, taken, removed))
    return True


def _complete(servers: Servers, scope: UserScope, sessions: frozenset[SessionScope]) -> bool:
    """Remove what is left, and end the erasure."""
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
        taken = _take(connection, scope)
        if taken is None:
            return False
        erasure = _erasure(scope, taken, sessions | _archived_sessions(connection, scope))
        removed = taken.removed
        for store in reversed(servers.user_stores):
            removed += store.complete(erasure, connection)
        connection.execute(_SQL["complete"], _result(scope, taken, removed))
        faults.point("erase.before_commit")
    logger.info("erasure %d of %s is done", taken.epoch, erasure.owner_hash)
    return True


def _take(connection: Connection, scope: UserScope) -> _Taken | None:
    row = connection.execute(_SQL["take"], _owner(scope)).fetchone()
    return None if row is None else _Taken(epoch=row["epoch"], token=row["token"], removed=Counter(row["removed"]))


def _erasure(scope: UserScope, taken: _Taken, sessions: frozenset[SessionScope]) -> Erasure:
    return Erasure(user=scope, owner_hash=owner_hash(scope), token=taken.token, sessions=sessions)


def _archived_sessions(connection: Connection, scope: UserScope) -> frozenset[SessionScope]:
    rows = connection.execute(_SQL["sessions"], _owner(scope)).fetchall()
    return frozenset(SessionScope(scope.tenant_id, scope.user_id, row["session_id"]) for row in rows)


def _result(scope: UserScope, taken: _Taken, removed: Counter[str]) -> dict[str, Any]:
    counts = {name: count for name, count in sorted(removed.items()) if count}
    return _owner(scope) | {"epoch": taken.epoch, "removed": Jsonb(counts)}


def _owner(scope: UserScope) -> dict[str, Any]:
    return scope.key | {"owner_hash": owner_hash(scope)}
