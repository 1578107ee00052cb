"""The features of words of all documents of an index, computed exactly from the postings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from afterturn.recall import lexical
from afterturn.recall.document_features import add_neighbours, neighbour_shares
from afterturn.recall.document_keys import TurnKey
from afterturn.recall.documents import Documents, Numbers, Places, Row
from afterturn.recall.lexical import CorpusStatistics
from afterturn.recall.stems import QuestionWord
from afterturn.recall.vector_index import scales
from afterturn.recall.vector_index.columns import IndexColumns

#: The features that are BM25 scores: of the document, of it with its neighbours, and of its session.
BM25_FEATURES = ("words", "words_around", "words_of_session")


class _Bm25Level:
    """The BM25 scores of all units of one level: documents, documents with their neighbours, or sessions."""

    def __init__(self, lengths: Numbers, stem_count: int) -> None:
        self.lengths = lengths
        self.scores = np.zeros(len(lengths))
        self._mean_length = float(lengths.mean()) if len(lengths) else 0.0
        self._document_frequencies = np.zeros(stem_count)

    def add(self, stem: int, places: Places, counts: Numbers) -> Numbers:
        """Add a stem, which occurs `counts` times at these places, to the scores. Return what was added."""
        frequency = np.array([float(len(places))])
        corpus = CorpusStatistics(len(self.lengths), frequency, self._mean_length)
        scores: Numbers = lexical.bm25(counts[:, None], self.lengths[places], corpus)[:, 0]
        self.scores[places] += scores
        self._document_frequencies[stem] = len(places)
        return scores

    def corpus(self, new_counts: Numbers) -> CorpusStatistics:
        """Return the statistics together with new units, given the counts of their stems."""
        return CorpusStatistics(
            len(self.lengths) + len(new_counts),
            self._document_frequencies + (new_counts > 0).sum(axis=0),
            self._mean_length,
        )


class WordFeatures:
    """The features of words of a question."""

    def __init__(self, columns: IndexColumns, words: Sequence[QuestionWord], postings: Sequence[Row]) -> None:
        """Compute the scores of all documents of the index.

        Args:
            columns: of the index.
            words: of the question.
            postings: rows of the query `postings`: the documents that contain each stem, and how often.
        """
        self.words = words
        self._columns = columns
        session = columns.session
        lengths = columns.lengths.astype(np.float64)
        self._session_lengths = np.bincount(session, lengths).astype(np.float64)
        session_count = len(self._session_lengths)
        self._session_counts = np.zeros((session_count, len(words)))
        shares = neighbour_shares(lengths)
        document_level, around_level, session_level = self._levels = tuple(
            _Bm25Level(level_lengths, len(words))
            for level_lengths in (lengths, add_neighbours(lengths, session, shares), self._session_lengths)
        )
        #: The highest score of each stem in a document, and per document the sum over its stems.
        self._highest = np.zeros(len(words))
        self._covered = np.zeros(len(lengths))
        for stem, (places, counts) in _occurrences(words, postings).items():
            self._highest[stem] = document_level.add(stem, places, counts).max()
            self._covered[places] += self._highest[stem]
            around_level.add(stem, *_add_neighbour_counts(places, counts, session, shares))
            session_counts = np.bincount(session[places], counts, session_count).astype(np.float64)
            sessions = np.flatnonzero(session_counts)
            session_level.add(stem, sessions, session_counts[sessions])
            self._session_counts[:, stem] = session_counts
        #: Per document, one array for each of BM25_FEATURES, not standardized.
        self._scores = document_level.scores, around_level.scores, session_level.scores[session]
        self._scales = [scales.measure(scores) for scores in self._scores]

    def indexed_features(self, places: Places) -> dict[str, Numbers]:
        """Return the features of documents of the index."""
        features = {
            name: scale.standardize(scores[places])
            for name, scale, scores in zip(BM25_FEATURES, self._scales, self._scores, strict=True)
        }
        return features | {"coverage": self._covered[places] / (self._highest.sum() or 1.0)}

    def document_features(self, documents: Documents, places: Places) -> dict[str, Numbers]:
        """Return the features of documents that were read.

        New documents, which are not in the index, count in the statistics too: a stem that only a new document
        contains is the rarest of all.

        Args:
            documents: some documents of the memory.
            places: of the documents in the index; -1 for a new document.
        """
        is_new = places < 0
        counts = lexical.count_words(documents, self.words)
        lengths = documents.lengths.astype(np.float64)
        session = documents.session
        shares = neighbour_shares(lengths)
        session_counts, session_lengths = self._session_totals(documents, counts * is_new[:, None], lengths * is_new)
        features = {}
        highest, covered = self._highest, self._covered
        counts_and_lengths = (
            (counts, lengths),
            (add_neighbours(counts, session, shares), add_neighbours(lengths, session, shares)),
            (session_counts, session_lengths),
        )
        for number, (level_counts, level_lengths) in enumerate(counts_and_lengths):
            corpus = self._levels[number].corpus(level_counts[is_new])
            bm25 = lexical.bm25(level_counts, level_lengths, corpus)
            scores = np.where(is_new, bm25.sum(axis=1), _take(self._scores[number], places))
            scale = scales.combine(
                (float(len(covered)), self._scales[number]), (float(is_new.sum()), scales.measure(scores[is_new]))
            )
            features[BM25_FEATURES[number]] = scale.standardize(scores)
            if number == 0:
                highest = np.maximum(highest, bm25[is_new].max(axis=0, initial=0.0))
        covered = np.where(is_new, (counts > 0) @ highest, _take(covered, places))
        return features | {"coverage": covered / (highest.sum() or 1.0)}

    def _session_totals(self, documents: Documents, counts: Numbers, lengths: Numbers) -> tuple[Numbers, Numbers]:
        """Return counts and lengths of the session of each document: those of the index plus the given ones."""
        total_counts = np.zeros((int(documents.session.max(initial=-1)) + 1, counts.shape[1]))
        np.add.at(total_counts, documents.session, counts)
        total_lengths = np.bincount(documents.session, lengths, len(total_counts)).astype(np.float64)
        for number, key in dict(zip(documents.session.tolist(), documents.keys, strict=True)).items():
            indexed = self._columns.session_numbers.get(key.session_id) if isinstance(key, TurnKey) else None
            if indexed is not None:
                total_counts[number] += self._session_counts[indexed]
                total_lengths[number] += self._session_lengths[indexed]
        return total_counts[documents.session], total_lengths[documents.session]


def _occurrences(words: Sequence[QuestionWord], postings: Sequence[Row]) -> dict[int, tuple[Places, Numbers]]:
    """Return where each word occurs, by its number: the places in order, and how often at each.

    A stem that several words have counts for the first of them, as in `lexical.count_words`.
    """
    word_of_code: dict[int, int] = {}
    for number, word in enumerate(words):
        for code in word.codes:
            word_of_code.setdefault(code, number)
    parts: dict[int, list[tuple[Places, Numbers]]] = {}
    for row in postings:
        number = word_of_code.get(int.from_bytes(row["stem"], "big"), -1)
        if number >= 0:
            places = np.frombuffer(row["places"], dtype="<i4").astype(np.int64)
            counts = np.frombuffer(row["counts"], dtype="<u1").astype(np.float64)
            parts.setdefault(number, []).append((places, counts))
    return {number: _merge(found) for number, found in sorted(parts.items())}


def _merge(parts: Sequence[tuple[Places, Numbers]]) -> tuple[Places, Numbers]:
    """Return the places of several stems of one word, each once, with the sum of their counts."""
    if len(parts) == 1:
        return parts[0]
    places, indexes = np.unique(np.concatenate([part for part, _ in parts]), return_inverse=True)
    return places, np.bincount(indexes, np.concatenate([counts for _, counts in parts])).astype(np.float64)


def _take(values: Numbers, places: Places) -> Numbers:
    """Return the values at these places; at place -1 any value, also where `values` is empty."""
    return values[places] if len(values) else np.zeros(len(places))


def _add_neighbour_counts(places: Places, counts: Numbers, session: Places, shares: Numbers) -> tuple[Places, Numbers]:
    """Return the places that contain a stem or have a neighbour that does, and the counts including the neighbours."""
    shared = counts * shares[places]
    has_before, has_after = places > 0, places < len(session) - 1
    has_before[has_before] = session[places[has_before] - 1] == session[places[has_before]]
    has_after[has_after] = session[places[has_after] + 1] == session[places[has_after]]
    near_places = np.concatenate([places, places[has_before] - 1, places[has_after] + 1])
    near_counts = np.concatenate([counts, shared[has_before], shared[has_after]])
    sums = np.bincount(near_places, near_counts, len(session)).astype(np.float64)
    nonzero = np.flatnonzero(sums).astype(np.int64)
    return nonzero, sums[nonzero]
