"""Merging: of two facts that say the same, one stays and gets the evidence of both, or a third one is made of both."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from afterturn.consolidation import fading
from afterturn.consolidation.decisions import United
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.embedding import items, missing_vectors
from afterturn.languages import stemming
from afterturn.scopes import UserScope

_SQL = queries.load("facts")


def merge_fact(connection: Connection, scope: UserScope, fact_id: UUID, *, into: UUID) -> None:
    """Add a fact's evidence and dates to the fact `into`, in the caller's transaction, and delete its vectors."""
    merged = scope.key | {"fact_id": fact_id, "superseded_by": into}
    connection.execute(_SQL["merge_evidence"], merged)
    connection.execute(_SQL["merge_dates"], merged)
    fading.update_lives(connection, scope, [into])
    items.delete_fact_vectors(connection, scope, [fact_id])


def refine_fact(connection: Connection, scope: UserScope, fact_id: UUID, *, by: UUID) -> None:
    """Show a fact's evidence and dates at the fuller one that took its place, in the caller's transaction."""
    refined = scope.key | {"fact_id": fact_id, "superseded_by": by}
    connection.execute(_SQL["inherit_evidence"], refined)
    connection.execute(_SQL["merge_dates"], refined)
    fading.update_lives(connection, scope, [by])


def unite_facts(connection: Connection, scope: UserScope, united: United, *, new_id: UUID) -> None:
    """Add a fact that is made of two, in the caller's transaction, and end both. Their evidence must be stored already.

    Args:
        connection: in the caller's transaction.
        scope: whose facts.
        united: the fact to add.
        new_id: the part besides `united.known_id`.
    """
    stems = asdict(stemming.fact_input(united.text))
    pair = {"united_id": united.fact_id, "known_id": united.known_id, "new_id": new_id, "text": united.text}
    connection.execute(_SQL["add_united"], scope.key | pair | stems)
    parts = [items.fact_name(part_id) for part_id in (united.known_id, new_id)]
    connection.execute(_SQL["add_united_vectors"], scope.key | {"united_id": united.fact_id, "parts": parts})
    missing_vectors.owe_facts(connection, scope, [united.fact_id])
    for part_id in (united.known_id, new_id):
        part = scope.key | {"fact_id": part_id, "superseded_by": united.fact_id}
        connection.execute(_SQL["inherit_evidence"], part)
        connection.execute(_SQL["end_part"], part)
    fading.update_lives(connection, scope, [united.fact_id])
