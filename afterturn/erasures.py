"""Erasures: the durable rows that drive forgetting a user to its end, and keep late writers from undoing it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.scopes import UserScope

_SQL = queries.load("erasures")


def owner_hash(scope: UserScope) -> str:
    """Return what stands for a user in an erasure's row: it can be found again, but names nobody."""
    return hashlib.sha256(f"{scope.tenant_id}\x00{scope.user_id}".encode()).hexdigest()


def epochs(connection: Connection, users: Collection[UserScope]) -> dict[UserScope, int]:
    """Return how often each of these users was forgotten; whoever never was is 0."""
    by_hash = {owner_hash(scope): scope for scope in users}
    rows = connection.execute(_SQL["epochs"], {"owner_hashes": list(by_hash)}).fetchall()
    found = dict.fromkeys(users, 0)
    return found | {by_hash[row["owner_hash"]]: row["epoch"] for row in rows}


def unfinished(connection: Connection) -> list[UserScope]:
    """Return the users whose erasure was begun and not finished."""
    return [UserScope(row["tenant_id"], row["user_id"]) for row in connection.execute(_SQL["unfinished"]).fetchall()]
