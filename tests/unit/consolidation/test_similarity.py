"""Rank facts by shared rare words and by vectors."""

import numpy as np
import pytest

from afterturn.consolidation import similarity
from afterturn.consolidation.similarity import FactStems


def stems(*facts):
    """Return the stems of facts, each given as numbers; a number may be there more than once."""
    return FactStems(
        codes=np.array([code for fact in facts for code in fact], dtype=np.uint32),
        lengths=np.array([len(fact) for fact in facts], dtype=np.intp),
    )


def test_how_much_of_a_statement_a_fact_has():
    weight = similarity.share_weight([np.array([1, 2], dtype=np.uint32)], stems([1, 2, 7, 8], [2, 9], [6]))
    rare, frequent = np.log(4), np.log(4 / 2)
    assert weight.share_of_statements()[0].tolist() == pytest.approx([1.0, frequent / (rare + frequent), 0.0])


def test_a_statement_without_words_has_no_share():
    weight = similarity.share_weight([np.array([], dtype=np.uint32)], stems([1], [2]))
    assert weight.share_of_statements().tolist() == [[0, 0]]


def test_cosines_do_not_depend_on_lengths():
    facts = np.array([[2.0, 0.0], [0.0, 5.0], [0.0, 0.0]], dtype=np.float32)
    cosines = similarity.score_by_vectors(np.array([[3.0, 3.0]], dtype=np.float32), facts)
    assert cosines[0].tolist() == pytest.approx([0.7071, 0.7071, 0.0], abs=1e-4)


def test_what_two_texts_share_is_weighed_by_how_rare_it_is():
    weight = similarity.share_weight([np.array([1, 1, 2, 50], dtype=np.uint32)], stems([1, 1, 9], [2, 8], [2, 7], [6]))

    rare, frequent = np.log(5), np.log(5 / 2)
    assert weight.shared[0].tolist() == pytest.approx([rare, frequent, frequent, 0])
    assert weight.of_facts.tolist() == pytest.approx([2 * rare, frequent + rare, frequent + rare, rare])
    # A word that is in no fact is rare.
    assert weight.of_statements.tolist() == pytest.approx([rare + frequent + rare])
    assert weight.overlap()[0][0] == pytest.approx(rare / np.sqrt((2 * rare + frequent) * 2 * rare))


def test_a_statement_or_a_fact_without_words_shares_nothing():
    weight = similarity.share_weight([np.array([], dtype=np.uint32), np.array([1], dtype=np.uint32)], stems([], [1]))

    assert weight.overlap().tolist() == [[0, 0], [0, 1]]


def test_equal_texts_overlap_wholly():
    weight = similarity.share_weight([np.array([1, 2, 3], dtype=np.uint32)], stems([3, 2, 1], [3, 4]))

    assert weight.overlap()[0][0] == pytest.approx(1.0)
