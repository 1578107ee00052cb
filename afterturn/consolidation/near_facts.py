"""Find the facts that a judging call shows: those near to a batch's candidates that extraction was not shown."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from afterturn.consolidation import similar_facts, similarity
from afterturn.consolidation.judgement import ShownFact
from afterturn.database.pool import Connection

#: The judge is called if one candidate and one fact are at least this near: the share of the weight of their words that
#: both have, or their cosine. Lower: more calls that find nothing. Higher: batches with an update are not judged.
#: Figures: docs/explanation/decisions/054-extraction-knows-what-is-known.md.
CALLED_OVERLAP = 0.28
CALLED_COSINE = 0.7
#: In such a call, each candidate is compared with so many facts that are at least this near.
SHOWN_OVERLAP = 0.05
SHOWN_COSINE = 0.3
SHOWN_FACTS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class NearFacts:
    """The facts to compare with some candidates."""

    #: The candidates that have one, by id.
    statement_ids: frozenset[UUID]
    #: The facts: first the nearest one of each candidate, then the second ones, and so on.
    fact_ids: Sequence[UUID]


def find_near_facts(
    connection: Connection,
    owner: Mapping[str, Any],
    statements: Sequence[ShownFact],
    *,
    without: Collection[UUID],
) -> NearFacts | None:
    """Return the current facts that are near to some candidates; None if none is near enough to ask the judge.

    Args:
        connection: to read with.
        owner: tenant and user, as query arguments.
        statements: candidates that have vectors.
        without: facts that the candidates need not be compared with.
    """
    facts = similar_facts.read_current_stems(connection, owner)
    if facts is None:
        return None
    stems = similar_facts.read_stems(connection, [given.text for given in statements])
    overlaps = similarity.share_weight(stems, facts.stems).overlap()
    cosines = similar_facts.score_by_vectors(connection, owner, statements, facts.names)
    is_left_out = np.isin(np.array(facts.names), [str(fact_id) for fact_id in without])
    overlaps[:, is_left_out], cosines[:, is_left_out] = 0.0, -np.inf
    if not (overlaps >= CALLED_OVERLAP).any() and not (cosines >= CALLED_COSINE).any():
        return None
    ranked = [list(_best_places(*rows)) for rows in zip(overlaps, cosines, strict=True)]
    places = dict.fromkeys(places[rank] for rank in range(SHOWN_FACTS) for places in ranked if rank < len(places))
    return NearFacts(
        statement_ids=frozenset(given.fact_id for given, places in zip(statements, ranked, strict=True) if places),
        fact_ids=facts.fact_ids_at(places),
    )


def _best_places(overlaps: similarity.Scores, cosines: similarity.Scores) -> Iterator[int]:
    """Yield the places of the nearest facts, in turn by words and by vectors."""
    found: set[int] = set()
    by_words = _places_above(overlaps, SHOWN_OVERLAP)
    by_vectors = _places_above(cosines, SHOWN_COSINE)
    for rank in range(SHOWN_FACTS):
        for places in (by_words, by_vectors):
            if rank < len(places) and places[rank] not in found:
                found.add(places[rank])
                yield places[rank]


def _places_above(scores: similarity.Scores, least: float) -> list[int]:
    """Return the places of the highest scores, highest first, that are not below `least`."""
    return [int(place) for place in np.argsort(-scores, kind="stable")[:SHOWN_FACTS] if scores[place] >= least]
