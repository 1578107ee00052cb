"""Find the facts of a memory that are near to each other: pairs that may say the same, or may not both be current.

What is near is measured in the memory itself, because the cosines of embedding models are on different scales: a fact's
nearest ones by vectors and by words, where they are clearly nearer than facts of this user mostly are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from afterturn.consolidation import similar_facts, similarity
from afterturn.consolidation.similar_facts import CurrentStems
from afterturn.consolidation.similarity import FactStems, Scores
from afterturn.database.pool import Connection
from afterturn.embedding import items

#: The nearest facts by vectors, and by words, that each fact is paired with. Larger: more tokens; smaller: the pair
#: that matters is missing where many facts are alike.
NEAREST_BY_VECTORS = 4
NEAREST_BY_WORDS = 3
#: How many standard deviations a cosine is above the mean of the memory, at least.
_LEAST_DEVIATIONS = 1.5
#: The share of a fact's words, by their weights, that the other one has, at least.
_LEAST_SHARED_WORDS = 0.34
#: What a word of all facts weighs: in a memory of few facts, nearly all words that two facts share are of this kind.
_LEAST_WORD_WEIGHT = math.log(2)
#: Facts that are compared with all others in one operation.
_FACTS_TOGETHER = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class NearPair:
    """Two near facts, the one recorded later first."""

    new_id: UUID
    known_id: UUID
    #: Larger is nearer; comparable within one memory only.
    score: float


def find_near_pairs(
    connection: Connection, owner: Mapping[str, Any], fact_ids: Sequence[UUID], *, new_count: int
) -> list[NearPair]:
    """Return the near pairs of the new facts with each other and with all others.

    Args:
        connection: to read with.
        owner: tenant and user, as query arguments.
        fact_ids: all current facts, in the order in which they were recorded. The last ones are the new ones.
        new_count: how many of them are new.
    """
    current = similar_facts.read_current_stems(connection, owner)
    if current is None or new_count < 1:
        return []
    place_of = {items.fact_name(fact_id): place for place, fact_id in enumerate(fact_ids)}
    stems = _order_stems(current, place_of, len(fact_ids))
    vectors, has_vector = _read_vectors(connection, owner, place_of, len(fact_ids))
    pairs: list[NearPair] = []
    for first in range(len(fact_ids) - new_count, len(fact_ids), _FACTS_TOGETHER):
        places = np.arange(first, min(first + _FACTS_TOGETHER, len(fact_ids)))
        by_words = _score_by_words(stems, places)
        by_vectors = _score_by_vectors(vectors, has_vector, places)
        pairs += _nearest(places, by_words, by_vectors, fact_ids)
    return pairs


def _order_stems(current: CurrentStems, place_of: Mapping[str, int], count: int) -> list[Any]:
    """Return the stems of each fact, in the order of the facts."""
    stems: list[Any] = [np.empty(0, dtype=np.uint32)] * count
    each = np.split(current.stems.codes, np.cumsum(current.stems.lengths)[:-1])
    for name, own in zip(current.names, each, strict=True):
        if name in place_of:
            stems[place_of[name]] = own
    return stems


def _read_vectors(
    connection: Connection, owner: Mapping[str, Any], place_of: Mapping[str, int], count: int
) -> tuple[Scores, Any]:
    """Return the vectors of the facts, and which facts have one."""
    vectors: Scores = np.zeros((count, 1), dtype=np.float32)
    has_vector = np.zeros(count, dtype=np.bool_)
    for names, page in similar_facts.read_vector_pages(connection, owner):
        if vectors.shape[1] != page.shape[1]:
            vectors = np.zeros((count, page.shape[1]), dtype=np.float32)
        places = np.fromiter((place_of.get(name, -1) for name in names), dtype=np.intp, count=len(names))
        vectors[places[places >= 0]] = page[places >= 0]
        has_vector[places[places >= 0]] = True
    return vectors, has_vector


def _score_by_words(stems: Sequence[Any], places: Any) -> Scores:
    """Return which share of each of these facts' words, by weight, the facts have."""
    lengths = np.array([len(own) for own in stems], dtype=np.intp)
    codes = np.concatenate(stems) if len(stems) else np.empty(0, dtype=np.uint32)
    facts = FactStems(codes=codes, lengths=lengths)
    given = [stems[place] for place in places]
    return similarity.share_weight(given, facts, least_weight=_LEAST_WORD_WEIGHT).share_of_statements()


def _score_by_vectors(vectors: Scores, has_vector: Any, places: Any) -> Scores:
    """Return by how many standard deviations of this memory each cosine is above their mean; -inf without a vector."""
    cosines = similarity.score_by_vectors(vectors[places], vectors)
    cosines[:, ~has_vector] = -np.inf
    cosines[~has_vector[places], :] = -np.inf
    others = np.isfinite(cosines)
    others[np.arange(len(places)), places] = False
    known = cosines[others]
    if len(known) < 2 or (spread := float(known.std())) == 0.0:
        return np.full_like(cosines, -np.inf)
    return np.asarray((cosines - known.mean()) / spread, dtype=np.float32)


def _nearest(places: Any, by_words: Scores, by_vectors: Scores, fact_ids: Sequence[UUID]) -> list[NearPair]:
    """Return the pairs of these facts with the nearest ones that were recorded before them."""
    pairs: dict[tuple[int, int], float] = {}
    for row, place in enumerate(places.tolist()):
        for scores, count, least in (
            (by_vectors[row, :place], NEAREST_BY_VECTORS, _LEAST_DEVIATIONS),
            (by_words[row, :place], NEAREST_BY_WORDS, _LEAST_SHARED_WORDS),
        ):
            for other in np.argsort(-scores, kind="stable")[:count].tolist():
                if scores[other] >= least:
                    nearness = float(scores[other]) / least
                    pairs[place, other] = max(pairs.get((place, other), 0.0), nearness)
    return [
        NearPair(new_id=fact_ids[place], known_id=fact_ids[other], score=score)
        for (place, other), score in pairs.items()
    ]
