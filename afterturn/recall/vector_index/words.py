"""Where a question's stems stand in a large memory: all that ranking makes of words, exactly, over all documents."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from afterturn.recall import lexical
from afterturn.recall.document_keys import TurnKey
from afterturn.recall.documents import Documents, Row
from afterturn.recall.lexical import Common
from afterturn.recall.ranking import around
from afterturn.recall.vector_index import scales
from afterturn.recall.vector_index.columns import Columns, Places

Numbers = NDArray[np.float64]

#: The features that are scores of words.
LEVELS = ("words", "words_around", "words_of_session")


class Words:
    """Where the question's stems stand, with all that ranking makes of it."""

    def __init__(self, columns: Columns, codes: Sequence[int], postings: Sequence[Row]) -> None:
        self.codes = codes
        self._columns = columns
        sizes = columns.stems.astype(np.float64)
        session = columns.session
        sizes_around = around(sizes, session)
        of_sessions = np.bincount(session, sizes).astype(np.float64)
        sessions = len(of_sessions)
        self._session_sizes = of_sessions
        self._session_counts = np.zeros((sessions, len(codes)))
        self._most = np.zeros(len(codes))
        having = np.zeros((3, len(codes)))
        means = [float(held.mean()) if len(held) else 0.0 for held in (sizes, sizes_around, of_sessions)]
        alone, near, told = np.zeros(len(sizes)), np.zeros(len(sizes)), np.zeros(sessions)
        covering: list[tuple[Places, int]] = []
        found = {bytes(row["stem"]): row for row in postings}
        for stem, code in enumerate(codes):
            row = found.get(code.to_bytes(4, "big"))
            if row is None:
                continue
            places = np.frombuffer(row["places"], dtype="<i4").astype(np.int64)
            counts = np.frombuffer(row["counts"], dtype="<u1").astype(np.float64)
            own = _score(counts, sizes[places], len(sizes), len(places), means[0])
            alone[places] += own
            self._most[stem] = own.max()
            covering.append((places, stem))
            nearby, counts_nearby = _around(places, counts, session)
            near[nearby] += _score(counts_nearby, sizes_around[nearby], len(sizes), len(nearby), means[1])
            by_session = np.bincount(session[places], counts, sessions).astype(np.float64)
            having_it = np.flatnonzero(by_session)
            told[having_it] += _score(by_session[having_it], of_sessions[having_it], sessions, len(having_it), means[2])
            self._session_counts[:, stem] = by_session
            having[:, stem] = len(places), len(nearby), len(having_it)
        self._common = [
            Common(documents, having[level], means[level])
            for level, documents in enumerate((len(sizes), len(sizes), sessions))
        ]
        self._covered = np.zeros(len(sizes))
        for places, stem in covering:
            self._covered[places] += self._most[stem]
        #: Scores, not yet in deviations: of the document alone, around it, and of its session.
        self._scores = alone, near, told[session]
        self._scales = [scales.of(values) for values in self._scores]

    def estimated(self, places: Places) -> dict[str, Numbers]:
        """Return the features of documents of the index."""
        found = {
            name: spread.of(values[places])
            for name, spread, values in zip(LEVELS, self._scales, self._scores, strict=True)
        }
        return found | {"coverage": self._covered[places] / (self._most.sum() or 1.0)}

    def of_documents(self, held: Documents, places: Places) -> dict[str, Numbers]:
        """Return the features of documents, some of which (their place is -1) are not in the index.

        These count as well for how common a stem is: one that was said for the first time is the rarest of all.
        """
        is_new = places < 0
        found = lexical.counts(held, self.codes)
        sizes = held.sizes.astype(np.float64)
        near, sizes_near = around(found, held.session), around(sizes, held.session)
        told, sizes_told = self._of_sessions(held, found * is_new[:, None], sizes * is_new)
        features = {}
        most, covered = self._most, self._covered
        levels = ((found, sizes), (near, sizes_near), (told, sizes_told))
        for level, (counts, lengths) in enumerate(levels):
            known = self._common[level]
            having = known.having + (counts[is_new] > 0).sum(axis=0)
            parts = lexical.bm25(counts, lengths, Common(known.documents + int(is_new.sum()), having, known.mean_size))
            values = np.where(is_new, parts.sum(axis=1), _at(self._scores[level], places))
            spread = scales.united(
                (float(len(covered)), self._scales[level]), (float(is_new.sum()), scales.of(values[is_new]))
            )
            features[LEVELS[level]] = spread.of(values)
            if level == 0:
                most = np.maximum(most, parts[is_new].max(axis=0, initial=0.0))
        covering = np.where(is_new, (found > 0) @ most, _at(covered, places))
        return features | {"coverage": covering / (most.sum() or 1.0)}

    def _of_sessions(self, held: Documents, found: Numbers, sizes: Numbers) -> tuple[Numbers, Numbers]:
        """Return the counts and sizes of each document's session, what the index knows of it included."""
        counts = np.zeros((int(held.session.max(initial=-1)) + 1, found.shape[1]))
        np.add.at(counts, held.session, found)
        totals = np.bincount(held.session, sizes, len(counts)).astype(np.float64)
        for number, key in dict(zip(held.session.tolist(), held.keys, strict=True)).items():
            known = self._columns.session_numbers.get(key.session_id) if isinstance(key, TurnKey) else None
            if known is not None:
                counts[number] += self._session_counts[known]
                totals[number] += self._session_sizes[known]
        return counts[held.session], totals[held.session]


def _at(values: Numbers, places: Places) -> Numbers:
    """Return the values at these places; anything where a place is -1, which there may be without any value."""
    return values[places] if len(values) else np.zeros(len(places))


def _score(counts: Numbers, sizes: Numbers, documents: int, having: int, mean_size: float) -> Numbers:
    of_all = Common(documents, np.array([float(having)]), mean_size)
    return lexical.bm25(counts[:, None], sizes, of_all)[:, 0]


def _around(places: Places, counts: Numbers, session: Places) -> tuple[Places, Numbers]:
    """Return the places that have a stem or a neighbour with it, and how often it stands there in all."""
    before, after = places > 0, places < len(session) - 1
    before[before] = session[places[before] - 1] == session[places[before]]
    after[after] = session[places[after] + 1] == session[places[after]]
    near = np.concatenate([places, places[before] - 1, places[after] + 1])
    summed = np.bincount(near, np.concatenate([counts, counts[before], counts[after]]), len(session)).astype(np.float64)
    found = np.flatnonzero(summed).astype(np.int64)
    return found, summed[found]
