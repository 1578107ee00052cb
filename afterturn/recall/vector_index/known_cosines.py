"""The cosines between a question and the vectors of an index: known for some, estimated in distribution for all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from afterturn.recall.documents import Numbers, Places, Row
from afterturn.recall.vector_index import cells, scales
from afterturn.recall.vector_index.cells import SAMPLE_CELL
from afterturn.recall.vector_index.columns import IndexColumns
from afterturn.recall.vector_index.scales import EMPTY, Scale


class KnownCosines:
    """The known cosines, and the scale (mean and deviation) of all cosines."""

    def __init__(self, columns: IndexColumns, cell_rows: Sequence[Row], vector: Sequence[float] | None) -> None:
        """Read the cosines of the cells.

        Args:
            columns: of the index.
            cell_rows: rows of the query `cells`: the cells nearest to the question, and the sample cell.
            vector: of the question.
        """
        self._columns = columns
        self._cosines = np.full(columns.document_count + columns.fact_count, np.nan)
        sample: Row = {"places": b"", "cosines": b""}
        for row in cell_rows:
            if row["cell"] == SAMPLE_CELL:
                sample = row
            else:
                self._add_cell(row)
        self._update()
        self.fact_scale = cells.cosine_scale(columns.spread_of_facts if vector else b"", vector or ())
        # Standalone facts are documents and sessions of their own. Their cosines have the scale of all facts.
        standalone = float(len(columns.standalone)), self.fact_scale
        turn_count = float(columns.turn_count)
        turn_scale = cells.cosine_scale(columns.spread_of_turns if vector else b"", vector or ())
        self.document_scale = scales.combine((turn_count, turn_scale), standalone)
        self.session_scale = scales.combine((turn_count, self._measure_sessions(sample)), standalone)

    @property
    def of_documents(self) -> Numbers:
        """The cosine of each document; nan where it is not known."""
        return self._cosines[: self._columns.document_count]

    @property
    def of_facts(self) -> Numbers:
        """The cosine of each fact; nan where it is not known."""
        return self._cosines[self._columns.document_count :]

    def add(self, places: Places, cosines: Numbers) -> None:
        """Add cosines. The place of a fact is `document_count` plus its place among the facts."""
        self._cosines[places] = cosines
        self._update()

    def _add_cell(self, row: Row) -> Places:
        places = np.frombuffer(row["places"], dtype=">i4").astype(np.int64)
        self._cosines[places] = np.frombuffer(row["cosines"], dtype=">f4")
        return places

    def _measure_sessions(self, sample: Row) -> Scale:
        """Return the scale of the best cosine per session, where each session counts once per turn.

        The best cosine of a session with a vector in the nearest cells is known. For all other sessions, the scale is
        estimated from the sample cell.
        """
        sizes = self._columns.session_sizes.astype(np.float64)
        known = np.flatnonzero(~np.isnan(self.best_of_session[: len(sizes)]))
        sampled_places = self._add_cell(sample)
        self._update()
        others = self.best_of_session[np.setdiff1d(self._columns.session[sampled_places], known)]
        known_size = float(sizes[known].sum())
        return scales.combine(
            (known_size, scales.measure_weighted(self.best_of_session[known], sizes[known])),
            (float(sizes.sum() - sizes[known].sum()), scales.measure(others)) if len(others) else (0.0, EMPTY),
        )

    def _update(self) -> None:
        columns = self._columns
        # A standalone fact has one vector, stored under its fact.
        self.of_documents[columns.turn_count :] = self.of_facts[columns.standalone]
        known = np.flatnonzero(~np.isnan(self.of_documents))
        #: The highest known cosine of each session; nan where none is known.
        self.best_of_session = np.full(len(columns.sessions) + len(columns.standalone), np.nan)
        np.fmax.at(self.best_of_session, columns.session[known], self.of_documents[known])
