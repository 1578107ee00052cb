"""Leases: which process works on what, until when. Each claim gets a new token from Postgres, the fencing token."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from afterturn.database import connect_errors, queries
from afterturn.database.pool import Connection
from afterturn.errors import StaleLease
from afterturn.scopes import UserScope

logger = logging.getLogger(__name__)

_SQL = queries.load("leases")

#: Renewals within the duration of a lease. With 3, a lease lapses only after two failed renewals.
_RENEWALS_PER_LEASE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to finish one piece of work."""

    scope: UserScope
    #: The kind of work: batch, summary, sleep or index.
    kind: str
    #: A batch id, a session id, or "memory" for work on all of a user's memory.
    item: str
    token: int


def release(connection: Connection, lease: Lease) -> None:
    """Release the lease, in the transaction that commits its work. Raises StaleLease if it was taken over."""
    if connection.execute(_SQL["release"], _identity(lease) | {"token": lease.token}).fetchone() is None:
        raise _stale(lease)


def fence(connection: Connection, lease: Lease) -> None:
    """Lock the lease until the end of the transaction. Raises StaleLease if another process has taken it over."""
    if connection.execute(_SQL["fence"], _identity(lease) | {"token": lease.token}).fetchone() is None:
        raise _stale(lease)


def execute_fenced(connection: Connection, lease: Lease, query: LiteralString, arguments: Mapping[str, Any]) -> None:
    """Check the lease and run a write in one round trip. Raises StaleLease if another process has taken it over.

    Args:
        connection: with or without a transaction.
        lease: the lease to check.
        query: a write that selects from `leases` by lease_kind, lease_item and lease_token, FOR SHARE, and that returns
            a row if it wrote.
        arguments: the query's other arguments.
    """
    if connection.execute(query, {**arguments, **_fence_arguments(lease)}).fetchone() is None:
        raise _stale(lease)


def execute_releasing(
    connection: Connection, lease: Lease, writes: LiteralString, arguments: Mapping[str, Any]
) -> bool:
    """Release the lease and run a write in one round trip, in the transaction that commits the work.

    Args:
        connection: in the caller's transaction.
        lease: the lease to release.
        writes: the parts of the statement `releasing` that write, the last of them `moved`.
        arguments: their arguments.

    Returns whether it wrote. Raises StaleLease if another process has taken the lease over.
    """
    query = _SQL["releasing"].replace("/* writes */", writes)
    row = connection.execute(query, {**arguments, **_fence_arguments(lease)}).fetchone()
    if row is None or not row["is_released"]:
        raise _stale(lease)
    return bool(row["is_moved"])


def _fence_arguments(lease: Lease) -> dict[str, Any]:
    return {"lease_kind": lease.kind, "lease_item": lease.item, "lease_token": lease.token}


def _stale(lease: Lease) -> StaleLease:
    return StaleLease(f"the lease on {lease.kind} {lease.item} was taken over; this write was refused")


def try_release(connection: Connection, lease: Lease) -> None:
    """Release the lease without having done the work. Does nothing if another process has taken the lease over."""
    connection.execute(_SQL["release"], _identity(lease) | {"token": lease.token})


def _identity(lease: Lease) -> dict[str, object]:
    return {
        "tenant_id": lease.scope.tenant_id,
        "user_id": lease.scope.user_id,
        "kind": lease.kind,
        "item": lease.item,
    }


class LeaseKeeper:
    """Claim leases for this process, and renew all of them from one thread with one statement."""

    def __init__(self, pool: ConnectionPool[Connection], *, lease_seconds: float, deadline_seconds: float) -> None:
        self._pool = pool
        self._lease_seconds = lease_seconds
        self._deadline_seconds = deadline_seconds
        self._owner = f"{socket.gethostname()}/{os.getpid()}"
        self._tokens: set[int] = set()
        self._guard = threading.Lock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def claim(self, connection: Connection, scope: UserScope, kind: str, item: str) -> Lease | None:
        """Claim one piece of work. Return None if another process has the lease, or the user does not exist."""
        row = connection.execute(
            _SQL["claim"],
            {
                "tenant_id": scope.tenant_id,
                "user_id": scope.user_id,
                "kind": kind,
                "item": item,
                "owner": self._owner,
                "lease_seconds": self._lease_seconds,
                "deadline_seconds": self._deadline_seconds,
            },
        ).fetchone()
        if row is None:
            return None
        lease = Lease(scope=scope, kind=kind, item=item, token=row["token"])
        with self._guard:
            self._tokens.add(lease.token)
            if self._thread is None:
                self._thread = threading.Thread(target=self._renew_until_closed, name="leases", daemon=True)
                self._thread.start()
        return lease

    def forget(self, lease: Lease) -> None:
        """Stop renewing this lease, whether its work succeeded or failed."""
        with self._guard:
            self._tokens.discard(lease.token)

    def close(self) -> None:
        """Stop renewing. Leases that are not released lapse."""
        self._closed.set()

    def _renew_until_closed(self) -> None:
        while not self._closed.wait(self._lease_seconds / _RENEWALS_PER_LEASE):
            with self._guard:
                tokens = list(self._tokens)
            if tokens:
                self._renew(tokens)

    def _renew(self, tokens: list[int]) -> None:
        try:
            with self._pool.connection() as connection:
                connection.execute(_SQL["renew"], {"tokens": tokens, "lease_seconds": self._lease_seconds})
        except (psycopg.Error, PoolTimeout) as error:
            # The next round tries again: a lapsed lease can still be renewed if no other process has claimed it.
            logger.warning("%d leases could not be renewed: %s", len(tokens), connect_errors.public_error(error))
