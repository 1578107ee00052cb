"""Merging: of two facts that say the same, one stays and gets the evidence and the dates of both."""

from __future__ import annotations

from uuid import UUID

from afterturn.consolidation import fading
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.embedding import items
from afterturn.scopes import UserScope

_SQL = queries.load("facts")


def merge_fact(connection: Connection, scope: UserScope, fact_id: UUID, *, into: UUID) -> None:
    """Add a fact's evidence and dates to the fact `into`, in the caller's transaction, and delete its vectors."""
    merged = scope.key | {"fact_id": fact_id, "superseded_by": into}
    connection.execute(_SQL["merge_evidence"], merged)
    connection.execute(_SQL["merge_dates"], merged)
    fading.update_lives(connection, scope, [into])
    items.delete_fact_vectors(connection, scope, [fact_id])
