"""Merging: one fact stands for two that say the same, with the evidence and the dates of both."""

from __future__ import annotations

from uuid import UUID

from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.embedding import items
from afterturn.scopes import UserScope

_SQL = queries.load("facts")


def take_over(connection: Connection, scope: UserScope, fact_id: UUID, *, by: UUID) -> None:
    """Give a fact's evidence and dates to the one that stands for both, in the caller's transaction."""
    merged = scope.key | {"fact_id": fact_id, "superseded_by": by}
    connection.execute(_SQL["take_evidence"], merged)
    connection.execute(_SQL["take_dates"], merged)
    items.delete_fact_vectors(connection, scope, [fact_id])
