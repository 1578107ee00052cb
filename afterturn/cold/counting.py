"""Count what the cold archive has, and what is owed to it."""

from __future__ import annotations

from typing import Any

from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.scopes import UserScope
from afterturn.settings import Settings

_SQL = queries.load("cold")

_DAY_SECONDS = 86_400.0


def read_counts(
    connection: Connection, settings: Settings, *, tenant_id: str | None, user_id: str | None
) -> dict[str, Any]:
    """Return the counts of a tenant (None: all) or a user, as `afterturn cold status --json` prints them."""
    named = _named(tenant_id, user_id)
    row = connection.execute(_SQL["status"], named).fetchone()
    assert row is not None, "it has an aggregate"
    age_seconds = settings.cold_after_days * _DAY_SECONDS
    old_turns = count_old_turns(connection, tenant_id=tenant_id, user_id=user_id, age_seconds=age_seconds)
    return {"url": settings.cold_url, "after_days": settings.cold_after_days} | row | {"old_turns": old_turns}


def count_old_turns(connection: Connection, *, tenant_id: str | None, user_id: str | None, age_seconds: float) -> int:
    """Return how many turns are old enough and have their texts in Postgres."""
    row = connection.execute(_SQL["old_turns"], _named(tenant_id, user_id) | {"age_seconds": age_seconds}).fetchone()
    assert row is not None, "it counts"
    return int(row["turns"])


def users_with_old_turns(
    connection: Connection, *, tenant_id: str | None, user_id: str | None, age_seconds: float
) -> list[UserScope]:
    """Return the users who have such turns."""
    arguments = _named(tenant_id, user_id) | {"age_seconds": age_seconds}
    rows = connection.execute(_SQL["users_with_old_turns"], arguments).fetchall()
    return [UserScope(row["tenant_id"], row["user_id"]) for row in rows]


def users_with_objects(connection: Connection, *, tenant_id: str | None, user_id: str | None) -> dict[UserScope, int]:
    """Return the users who have turns in the archive, each with their number."""
    rows = connection.execute(_SQL["users_with_objects"], _named(tenant_id, user_id)).fetchall()
    return {UserScope(row["tenant_id"], row["user_id"]): row["turns"] for row in rows}


def _named(tenant_id: str | None, user_id: str | None) -> dict[str, Any]:
    return {"only_tenant": tenant_id, "only_user": user_id}
