"""Leases: who works on what, until when. The fence is the token, minted by Postgres."""

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

from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import StaleLease
from afterturn.scopes import UserScope

logger = logging.getLogger(__name__)

_SQL = queries.load("leases")

#: A lease is renewed this often within its time: two renewals may fail before it lapses.
_RENEWALS_PER_LEASE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to finish one piece of work."""

    scope: UserScope
    #: What kind of work: "batch" or "summary".
    kind: str
    #: Which one: a batch id or a session id.
    item: str
    token: int


def release(connection: Connection, lease: Lease) -> None:
    """End the lease inside the transaction that ends its work. Raises StaleLease when somebody else took it over."""
    if connection.execute(_SQL["release"], _identity(lease) | {"token": lease.token}).fetchone() is None:
        raise _taken_over(lease)


def fence(connection: Connection, lease: Lease) -> None:
    """Make sure, until the end of the transaction, that the lease is still ours. Raises StaleLease."""
    if connection.execute(_SQL["fence"], _identity(lease) | {"token": lease.token}).fetchone() is None:
        raise _taken_over(lease)


def execute_fenced(connection: Connection, lease: Lease, query: LiteralString, arguments: Mapping[str, Any]) -> None:
    """Run a query that writes only under the lease, in one round trip. Raises StaleLease.

    Args:
        connection: with or without a transaction.
        lease: which must still be ours.
        query: selects from `leases` by lease_kind, lease_item and lease_token, FOR SHARE, and returns what it wrote.
        arguments: of the query besides.
    """
    fence_arguments = {"lease_kind": lease.kind, "lease_item": lease.item, "lease_token": lease.token}
    if connection.execute(query, {**arguments, **fence_arguments}).fetchone() is None:
        raise _taken_over(lease)


def _taken_over(lease: Lease) -> StaleLease:
    return StaleLease(f"the lease on {lease.kind} {lease.item} was taken over; this write was refused")


def let_go(connection: Connection, lease: Lease) -> None:
    """Give the lease back without having done anything; does nothing when somebody else took it over."""
    connection.execute(_SQL["release"], _identity(lease) | {"token": lease.token})


def _identity(lease: Lease) -> dict[str, object]:
    return {
        "tenant_id": lease.scope.tenant_id,
        "user_id": lease.scope.user_id,
        "kind": lease.kind,
        "item": lease.item,
    }


class LeaseKeeper:
    """Claims leases for this process and renews all of them from one thread, in one statement."""

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
        """Return the lease on one piece of work; None while somebody else holds it, and when there is no such user."""
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
                self._thread = threading.Thread(target=self._renew_for_ever, name="leases", daemon=True)
                self._thread.start()
        return lease

    def forget(self, lease: Lease) -> None:
        """Stop renewing this lease, however its work ended."""
        with self._guard:
            self._tokens.discard(lease.token)

    def close(self) -> None:
        """Stop renewing. Leases still held lapse by themselves."""
        self._closed.set()

    def _renew_for_ever(self) -> None:
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
            # The next round tries again: a lapsed lease that nobody took can still be renewed.
            logger.warning("%d leases could not be renewed: %s", len(tokens), type(error).__name__)
