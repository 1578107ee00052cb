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

#: Facts whose words are compared together. Larger: faster, and more memory (4 bytes for each stem of the statements).
FACTS_TOGETHER = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class FactStems:
    """The stems of facts."""

    #: The codes of all facts' stems, fact after fact.
    codes: NDArray[np.uint32]
    #: The number of each fact's codes.
    lengths: Places
    #: The number of each fact's different stems.
    distinct: Places


def score_by_words(statements: Sequence[NDArray[np.uint32]], facts: FactStems) -> Scores:
    """Return a score for each statement (rows) and fact (columns): the sum of the weights of the stems that they share.

    A stem's weight is the logarithm of how rare it is among the facts; long facts count less.

    Args:
        statements: the codes of each statement's stems.
        facts: the stems of the facts.
    """
    count = len(facts.lengths)
    stems = np.unique(np.concatenate(statements)) if statements else np.empty(0, dtype=np.uint32)
    if not len(stems) or not count:
        return np.zeros((len(statements), count), dtype=np.float32)
    has_stem = np.array([np.isin(stems, statement) for statement in statements], dtype=np.float32)
    present = _find_stems(stems, facts)
    frequencies = present.sum(axis=0, dtype=np.int64)
    weighted = (has_stem * np.log1p(count / np.maximum(frequencies, 1)).astype(np.float32)).T
    pages = [present[first : first + FACTS_TOGETHER] for first in range(0, count, FACTS_TOGETHER)]
    scores = np.concatenate([page.astype(np.float32) @ weighted for page in pages]).T
    return np.asarray(scores / np.sqrt(np.maximum(facts.distinct, 1)), dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedWeight:
    """The weight of the stems that statements (rows) and facts (columns) share. Rare stems weigh more."""

    shared: Scores
    #: The weight of all stems of each statement, and of each fact.
    of_statements: Scores
    of_facts: Scores

    def overlap(self) -> Scores:
        """Return the share of their weight that a statement and a fact have in common: the geometric mean (0..1)."""
        means = np.sqrt(self.of_statements[:, None] * self.of_facts[None, :])
        return np.asarray(self.shared / np.maximum(means, 1e-6), dtype=np.float32)


def share_weight(statements: Sequence[NDArray[np.uint32]], facts: FactStems) -> SharedWeight:
    """Compare the stems of statements with those of facts.

    Args:
        statements: the codes of each statement's stems.
        facts: the stems of the facts, at least one of them.
    """
    count = len(facts.lengths)
    is_first, fact_of_code = _find_first_codes(facts.codes, facts.lengths)
    fact_of_code = fact_of_code[is_first]
    stems, stem_of_code, frequencies = np.unique(facts.codes[is_first], return_inverse=True, return_counts=True)
    # A stem of all facts, such as the user's name, weighs next to nothing.
    weights = np.log((count + 1) / frequencies)
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


def count_distinct(codes: NDArray[np.uint32], lengths: Places) -> Places:
    """Return the number of each fact's different stems. Equal codes of a fact stand next to each other."""
    is_first, fact_of_code = _find_first_codes(codes, lengths)
    return np.bincount(fact_of_code[is_first], minlength=len(lengths)).astype(np.intp)


def _find_first_codes(codes: NDArray[np.uint32], lengths: Places) -> tuple[NDArray[np.bool_], Places]:
    """Return which codes are the first of their stem in their fact, and the place of the fact of each code."""
    fact_of_code = np.repeat(np.arange(len(lengths)), lengths)
    is_first = np.ones(len(codes), dtype=np.bool_)
    is_first[1:] = (codes[1:] != codes[:-1]) | (fact_of_code[1:] != fact_of_code[:-1])
    return is_first, fact_of_code


def _find_stems(stems: NDArray[np.uint32], facts: FactStems) -> NDArray[np.bool_]:
    """Return which fact (rows) has which of the sorted stems (columns)."""
    present = np.zeros((len(facts.lengths), len(stems)), dtype=np.bool_)
    places = np.minimum(np.searchsorted(stems, facts.codes), len(stems) - 1)
    is_match = stems[places] == facts.codes
    fact_of_code = np.repeat(np.arange(len(facts.lengths)), facts.lengths)
    present[fact_of_code[is_match], places[is_match]] = True
    return present


def score_by_vectors(statements: Scores, vectors: Scores) -> Scores:
    """Return the cosine of each statement's vector (rows) and each fact's vector (columns)."""
    return np.asarray(_to_unit_length(statements) @ _to_unit_length(vectors).T, dtype=np.float32)


def _to_unit_length(vectors: Scores) -> Scores:
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1)[:, None], dtype=np.float32)
