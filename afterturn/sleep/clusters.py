"""Clusters of near facts: a question shows each fact of a cluster once, and asks about all pairs of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from afterturn.sleep.near_pairs import NearPair

#: The largest cluster. Larger: fewer repeated lines; but a model that compares many statements overlooks pairs.
MAX_FACTS = 8


def make_clusters(pairs: Sequence[NearPair]) -> list[list[UUID]]:
    """Return clusters that contain each of these pairs, the nearest pairs together. A fact may be in several."""
    clusters: list[list[UUID]] = []
    left = sorted(pairs, key=lambda pair: (-pair.score, pair.new_id, pair.known_id))
    while left:
        grouped, left = _group(left)
        clusters += grouped
    return clusters


def _group(pairs: Iterable[NearPair]) -> tuple[list[list[UUID]], list[NearPair]]:
    """Return clusters without a common fact, and the pairs that found no place in them."""
    cluster_of: dict[UUID, list[UUID]] = {}
    left = []
    for pair in pairs:
        one = cluster_of.setdefault(pair.new_id, [pair.new_id])
        other = cluster_of.setdefault(pair.known_id, [pair.known_id])
        if one is other:
            continue
        if len(one) + len(other) > MAX_FACTS:
            left.append(pair)
            continue
        one.extend(other)
        for fact_id in other:
            cluster_of[fact_id] = one
    together = {id(cluster): cluster for cluster in cluster_of.values() if len(cluster) > 1}
    return list(together.values()), [pair for pair in left if cluster_of[pair.new_id] is not cluster_of[pair.known_id]]
