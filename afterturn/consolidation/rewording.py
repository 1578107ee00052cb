"""Rewording: a fact whose words only a removed turn said is replaced by what the remaining turns say, in their words.

A statement that says the same as a known fact, in poorer words, only adds evidence to it. When the turn with the fuller
words is removed, the candidates of the other turns say what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from afterturn import ids
from afterturn.consolidation import fading
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.embedding import missing_vectors
from afterturn.extraction.verification import normalise
from afterturn.languages import stemming
from afterturn.scopes import UserScope

_SQL = queries.load("removal")
_CONTRADICTIONS = queries.load("contradictions")


def add_wordings(connection: Connection, user: UserScope, fallen_ids: Sequence[UUID]) -> list[UUID]:
    """Add what remaining turns say of facts that fall, before these are retracted, in the caller's transaction.

    Returns the facts that got their evidence: new ones, and facts with these words that live on in one that falls.
    """
    if not fallen_ids:
        return []
    rows = connection.execute(_SQL["wordings"], user.key | {"fact_ids": list(fallen_ids)}).fetchall()
    holders: dict[tuple[UUID, str], UUID] = {}
    for row in rows:
        words = (row["fact_id"], normalise(row["text"]))
        if words not in holders:
            holders[words] = row["holder_id"] or _add_wording(connection, user, row)
        connection.execute(_SQL["add_wording_evidence"], user.key | _columns(row, holders[words]))
    return list(dict.fromkeys(holders.values()))


def _add_wording(connection: Connection, user: UserScope, row: dict[str, Any]) -> UUID:
    new_id = ids.derive_version_id(row["candidate_id"], row["fact_id"])
    stems = asdict(stemming.fact_input(row["text"]))
    connection.execute(_SQL["add_wording"], user.key | _columns(row, new_id) | stems)
    connection.execute(_CONTRADICTIONS["reopen"], user.key | {"fact_id": row["fact_id"], "new_id": new_id})
    fading.update_lives(connection, user, [new_id])
    missing_vectors.owe_facts(connection, user, [new_id])
    return new_id


def _columns(row: dict[str, Any], new_id: UUID) -> dict[str, Any]:
    return {name: row[name] for name in ("fact_id", "batch_id", "candidate_index")} | {"new_id": new_id}
