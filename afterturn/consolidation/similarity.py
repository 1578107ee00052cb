"""Rank a user's facts by their similarity to some statements: by the rare words that they share, and by vectors.

Pure computing on arrays. Words and vectors of many facts are compared in one operation, so that a memory of 20,000
facts costs tenths of a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactStems:
    """The stems of facts."""

    #: The codes of all facts' stems, fact after fact.
    codes: NDArray[np.uint32]
    #: The number of each fact's codes.
    lengths: Places


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedWeight:
    """The weight of the stems that statements (rows) and facts (columns) share. Rare stems weigh more."""

    shared: Scores
    #: The weight of all stems of each statement, and of each fact.
    of_statements: Scores
    of_facts: Scores

    def share_of_statements(self) -> Scores:
        """Return the share of each statement's weight that each fact has (0..1)."""
        return np.asarray(self.shared / np.maximum(self.of_statements, 1e-6)[:, None], dtype=np.float32)

    def overlap(self) -> Scores:
        """Return the share of their weight that a statement and a fact have in common: the geometric mean (0..1)."""
        means = np.sqrt(self.of_statements[:, None] * self.of_facts[None, :])
        return np.asarray(self.shared / np.maximum(means, 1e-6), dtype=np.float32)


def share_weight(
    statements: Sequence[NDArray[np.uint32]], facts: FactStems, *, least_weight: float = 0.0
) -> SharedWeight:
    """Compare the stems of statements with those of facts.

    Args:
        statements: the codes of each statement's stems.
        facts: the stems of the facts, at least one of them.
        least_weight: what a stem weighs at least. With 0, one of all facts, such as the user's name, weighs next to
            nothing.
    """
    count = len(facts.lengths)
    is_first, fact_of_code = _find_first_codes(facts.codes, facts.lengths)
    fact_of_code = fact_of_code[is_first]
    stems, stem_of_code, frequencies = np.unique(facts.codes[is_first], return_inverse=True, return_counts=True)
    weights = np.maximum(np.log((count + 1) / frequencies), least_weight)
    shared = np.zeros((len(statements), count), dtype=np.float32)
    own = np.zeros(len(statements), dtype=np.float32)
    for row, codes in enumerate(map(np.unique, statements)):
        places = np.minimum(np.searchsorted(stems, codes), max(len(stems) - 1, 0))
        is_known = stems[places] == codes if len(stems) else np.zeros(len(codes), dtype=np.bool_)
        present = np.zeros(len(stems))
        present[places[is_known]] = weights[places[is_known]]
        shared[row] = np.bincount(fact_of_code, present[stem_of_code], minlength=count)
        own[row] = present.sum() + np.log(count + 1) * np.count_nonzero(~is_known)
    of_facts = np.bincount(fact_of_code, weights[stem_of_code], minlength=count).astype(np.float32)
    return SharedWeight(shared=shared, of_statements=own, of_facts=of_facts)


def _find_first_codes(codes: NDArray[np.uint32], lengths: Places) -> tuple[NDArray[np.bool_], Places]:
    """Return which codes are the first of their stem in their fact, and the place of the fact of each code."""
    fact_of_code = np.repeat(np.arange(len(lengths)), lengths)
    is_first = np.ones(len(codes), dtype=np.bool_)
    is_first[1:] = (codes[1:] != codes[:-1]) | (fact_of_code[1:] != fact_of_code[:-1])
    return is_first, fact_of_code


def score_by_vectors(statements: Scores, vectors: Scores) -> Scores:
    """Return the cosine of each statement's vector (rows) and each fact's vector (columns)."""
    return np.asarray(_to_unit_length(statements) @ _to_unit_length(vectors).T, dtype=np.float32)


def _to_unit_length(vectors: Scores) -> Scores:
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1)[:, None], dtype=np.float32)
