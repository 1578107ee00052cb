"""BM25 (Robertson et al., 1994) with the statistics of one user's memory."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from afterturn.recall.documents import Documents
from afterturn.recall.stems import QuestionWord, word_of_stem

Numbers = NDArray[np.float64]

#: k1 of BM25. Smaller: repetitions of a word add less to the score.
SATURATION = 1.2
#: b of BM25: how strongly the length of a document lowers its score, from 0 to 1.
LENGTH_PENALTY = 0.75


def count_words(documents: Documents, words: Sequence[QuestionWord]) -> Numbers:
    """Return how often each word occurs in each document: one row per document, one column per word.

    A stem that several words have counts for the first of them.
    """
    column_of_code: dict[int, int] = {}
    for column, word in enumerate(words):
        for code in word.codes:
            column_of_code.setdefault(code, column)
    counts = np.zeros((len(documents), len(words)))
    if not column_of_code or not len(documents):
        return counts
    codes = np.array(list(column_of_code), dtype=np.uint32)
    order = np.argsort(codes)
    ordered, columns = codes[order], np.array(list(column_of_code.values()))[order]
    document_of_code = np.repeat(np.arange(len(documents)), documents.lengths)
    places = np.minimum(np.searchsorted(ordered, documents.codes), len(ordered) - 1)
    is_match = ordered[places] == documents.codes
    np.add.at(counts, (document_of_code[is_match], columns[places[is_match]]), 1.0)
    return counts


def count_words_or_related(documents: Documents, words: Sequence[QuestionWord]) -> Numbers:
    """Return the counts of words in the documents of a whole memory; of a word that none has, those of what is near it.

    That counts for less. A document with several words that are related to the same word is more likely about it.
    """
    counts = count_words(documents, words)
    for column, word in enumerate(words):
        if word.pieces:
            counts[:, column] = _count_contained(documents, [word.pieces])
    for column in np.flatnonzero(~counts.any(axis=0)).tolist():
        for weight, words_instead in zip(INSTEAD_WEIGHTS, words[column].instead, strict=False):
            found = _count_contained(documents, words_instead)
            if found.any():
                counts[:, column] = weight * np.sqrt(np.minimum(found, MAX_RELATED_WORDS))
                break
    return counts


def _count_contained(documents: Documents, words: Sequence[Sequence[str]]) -> Numbers:
    """Return of how many of these words each document contains all stems."""
    stems = list(dict.fromkeys(itertools.chain.from_iterable(words)))
    columns = {stem: column for column, stem in enumerate(stems)}
    contains = count_words(documents, [word_of_stem(stem) for stem in stems]) > 0
    found = np.zeros(len(documents))
    for word in set(map(tuple, words)):
        found += contains[:, [columns[stem] for stem in word]].all(axis=1)
    return found


def contains_stem(documents: Documents, codes: Sequence[int]) -> NDArray[np.bool_]:
    """Return which documents contain any of these stems."""
    document_of_code = np.repeat(np.arange(len(documents)), documents.lengths)
    contains = np.zeros(len(documents), dtype=np.bool_)
    contains[document_of_code[np.isin(documents.codes, np.array(codes, dtype=np.uint32))]] = True
    return contains


#: What a document counts that has only another form of a word, and one that has only a related word.
INSTEAD_WEIGHTS = (0.7, 0.5)
#: More words that are related to the same word count no more.
MAX_RELATED_WORDS = 4


@dataclass(frozen=True, slots=True)
class CorpusStatistics:
    """What BM25 needs to know of a whole collection of documents."""

    document_count: int
    #: The number of documents with each stem.
    document_frequencies: Numbers
    #: In stems.
    mean_length: float


def corpus_statistics(counts: Numbers, lengths: Numbers) -> CorpusStatistics:
    """Return the statistics of documents, from the counts of their stems and their lengths."""
    return CorpusStatistics(len(lengths), (counts > 0).sum(axis=0), float(lengths.mean()) if len(lengths) else 0.0)


def bm25(counts: Numbers, lengths: Numbers, corpus: CorpusStatistics | None = None) -> Numbers:
    """Return the BM25 score of each stem in each document.

    Args:
        counts: one row per document, one column per stem.
        lengths: of the documents, in stems.
        corpus: statistics of all documents; None where `counts` covers all documents.
    """
    if not len(lengths):
        return counts
    corpus = corpus or corpus_statistics(counts, lengths)
    frequencies = corpus.document_frequencies
    inverse_frequency = np.log(1 + (corpus.document_count - frequencies + 0.5) / (frequencies + 0.5))
    length_factor = 1 - LENGTH_PENALTY + LENGTH_PENALTY * lengths / (corpus.mean_length or 1.0)
    return np.asarray(inverse_frequency * counts * (SATURATION + 1) / (counts + SATURATION * length_factor[:, None]))
