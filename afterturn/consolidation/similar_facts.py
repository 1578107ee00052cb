"""Read the current facts that are most similar to some statements: the known facts that a judging call shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from afterturn.consolidation import judgement
from afterturn.consolidation.decisions import KnownFact
from afterturn.consolidation.judgement import ShownFact
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.embedding import items

_SQL = queries.load("facts")


def read_similar_facts(
    connection: Connection, owner: Mapping[str, Any], statements: Sequence[ShownFact], *, count: int
) -> list[KnownFact]:
    """Return a user's current facts to compare with `statements`: all if they fit into one call, else the most similar.

    Args:
        connection: to read with.
        owner: tenant and user, as query arguments.
        statements: candidates or facts that have vectors. Those that are facts are in the result as well.
        count: number of the user's current facts.
    """
    if count <= judgement.MAX_KNOWN_FACTS:
        rows = connection.execute(_SQL["current"], {**owner, "limit": judgement.MAX_KNOWN_FACTS}).fetchall()
        facts = [KnownFact(**row) for row in rows]
        if judgement.fits_one_call(ShownFact(fact.fact_id, fact.text, fact.said_at) for fact in facts):
            return facts
    arguments = {
        **owner,
        "texts": [statement.text for statement in statements],
        "candidates": [items.fact_name(statement.fact_id) for statement in statements],
        "count": count,
        "limit": judgement.MAX_KNOWN_FACTS + len(statements),
    }
    ranked = [
        row
        for name in ("similar_by_words", "similar_by_vectors")
        for row in connection.execute(_SQL[name], arguments).fetchall()
    ]
    # First the best fact of each ranking, then the second best of each: all statements get the same number of facts.
    ranked.sort(key=lambda row: row["rank"])
    fact_ids = list(dict.fromkeys(row["fact_id"] for row in ranked))[: arguments["limit"]]
    rows = connection.execute(_SQL["by_id"], {**owner, "fact_ids": fact_ids}).fetchall()
    by_id = {row["fact_id"]: KnownFact(**row) for row in rows}
    return [by_id[fact_id] for fact_id in fact_ids if fact_id in by_id]
