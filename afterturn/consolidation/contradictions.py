"""Contradictions: link current facts that cannot both be true, and settle them by what is said later.

Whatever ends one of the two facts settles the pair: a trigger of the database does it (migration 0022).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.scopes import UserScope

_SQL = queries.load("contradictions")


def link_facts(connection: Connection, scope: UserScope, fact_id: UUID, others: Iterable[UUID]) -> None:
    """Link a fact with others that it contradicts, in the caller's transaction. Only current facts are linked."""
    for other_id in others:
        connection.execute(_SQL["link"], scope.key | {"fact_id": fact_id, "other_id": other_id})


def settle_by_mention(connection: Connection, scope: UserScope, fact_id: UUID, said_at: datetime) -> None:
    """End the facts that contradict a fact which was said again after both, in the caller's transaction."""
    connection.execute(_SQL["settle_by_mention"], scope.key | {"fact_id": fact_id, "said_at": said_at})


def keep_fact(connection: Connection, scope: UserScope, fact_id: UUID) -> None:
    """End the facts that contradict one that a person keeps, whoever said them, in the caller's transaction."""
    connection.execute(_SQL["keep"], scope.key | {"fact_id": fact_id})
