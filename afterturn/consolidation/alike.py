"""The current facts that are most alike to some statements: what a judge is shown of a large memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from afterturn.consolidation import judgement
from afterturn.consolidation.decisions import KnownFact
from afterturn.consolidation.judgement import Shown
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.embedding import items

_SQL = queries.load("facts")


def most_alike(
    connection: Connection, owner: Mapping[str, Any], wanted: Sequence[Shown], *, count: int
) -> list[KnownFact]:
    """Return a user's current facts to compare `wanted` with: all of a small memory, else the most alike, best first.

    Args:
        connection: to read with.
        owner: tenant and user, as query arguments.
        wanted: statements with vectors of their own; those that are facts already are among the answer.
        count: how many current facts the user has.
    """
    if count <= judgement.MOST_KNOWN:
        rows = connection.execute(_SQL["current"], {**owner, "limit": judgement.MOST_KNOWN}).fetchall()
        found = [KnownFact(**row) for row in rows]
        if judgement.has_room_for(Shown(fact.fact_id, fact.text, fact.said_at) for fact in found):
            return found
    arguments = {
        **owner,
        "texts": [shown.text for shown in wanted],
        "candidates": [items.fact_name(shown.fact_id) for shown in wanted],
        "count": count,
        "limit": judgement.MOST_KNOWN + len(wanted),
    }
    ranked = [
        row
        for name in ("alike_in_words", "alike_in_meaning")
        for row in connection.execute(_SQL[name], arguments).fetchall()
    ]
    # The best of each ranking first, then the second best of each: all statements get the same depth.
    ranked.sort(key=lambda row: row["rank"])
    chosen = list(dict.fromkeys(row["fact_id"] for row in ranked))[: arguments["limit"]]
    rows = connection.execute(_SQL["by_id"], {**owner, "fact_ids": chosen}).fetchall()
    by_id = {row["fact_id"]: KnownFact(**row) for row in rows}
    return [by_id[fact_id] for fact_id in chosen if fact_id in by_id]
