"""Choose the current facts that extraction is shown: those that are near to a batch's turns, within a bound of tokens.

The extractor then says of each new statement whether it repeats, refines, ends or replaces one of them. What it was not
shown is left to the judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from afterturn import tokens
from afterturn.consolidation import similar_facts, similarity
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.database.statement import Row
from afterturn.extraction.extractor import KnownStatement
from afterturn.extraction.prompted import KNOWN_CHARACTERS
from afterturn.turns import Turn

_SQL = queries.load("facts")

#: The bound of all statements in one prompt, whatever the size of the memory.
KNOWN_TOKENS = 700
#: So much of the weight of a fact's words must be in one turn. A shared name alone is less.
LEAST_SHARE = 0.2
#: Facts that are read for it. Their lines have at least 7 tokens.
_MOST_FACTS = 100
#: So much of a turn is compared with the facts. A longer turn is mostly a document or an explanation.
_COMPARED_CHARACTERS = 1_000


def read_known_statements(
    connection: Connection, owner: Mapping[str, Any], turns: Sequence[Turn]
) -> tuple[KnownStatement, ...]:
    """Return the current facts to show with some turns, in the order in which they were said.

    Args:
        connection: to read with.
        owner: tenant and user, as query arguments.
        turns: the turns of a batch as the model sees them, without secrets.
    """
    facts = similar_facts.read_current_stems(connection, owner)
    texts = [turn.content[:_COMPARED_CHARACTERS] for turn in turns if not turn.is_removed]
    if facts is None or not texts:
        return ()
    weight = similarity.share_weight(similar_facts.read_stems(connection, texts), facts.stems)
    shared = weight.shared.max(axis=0)
    scores = shared**2 / np.maximum(weight.of_facts, 1e-6)
    near = np.flatnonzero(shared >= LEAST_SHARE * weight.of_facts)
    best = near[np.argsort(-scores[near], kind="stable")][:_MOST_FACTS]
    fact_ids = facts.fact_ids_at(best)
    rows = connection.execute(_SQL["texts_by_id"], {**owner, "fact_ids": fact_ids}).fetchall()
    by_id = {row["fact_id"]: row for row in rows}
    shown = _first_that_fit(by_id[fact_id] for fact_id in fact_ids if fact_id in by_id)
    return tuple(
        KnownStatement(fact_id=row["fact_id"], text=row["text"], said_on=row["said_at"].date())
        for row in sorted(shown, key=lambda row: (row["said_at"], row["fact_id"]))
    )


def _first_that_fit(rows: Iterable[Row]) -> list[Row]:
    shown: list[Row] = []
    room = KNOWN_TOKENS
    for row in rows:
        room -= tokens.estimate(f"K99 (2026-01-01): {row['text'][:KNOWN_CHARACTERS]}")
        if room < 0:
            break
        shown.append(row)
    return shown
