"""A question against the index of a large memory: exact by words, by meaning for what is near, estimated for the rest.

Words are counted over all documents, as they are in a small memory. Cosines are known of the cells that were looked
into; mean and deviation of all of them come from the sample.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from afterturn.recall import dates, lexical, stems
from afterturn.recall.document_keys import TurnKey
from afterturn.recall.documents import Documents, Row
from afterturn.recall.ranking import weights_for
from afterturn.recall.vector_index import cells, scales
from afterturn.recall.vector_index.columns import IS_USER, TELLS_TIME, Columns, Places
from afterturn.recall.vector_index.scales import Scale
from afterturn.recall.vector_index.words import Words

Numbers = NDArray[np.float64]

#: The cell that is a sample of all.
SAMPLE = -1


class Meaning:
    """The cosines that are known, and how all of them are spread."""

    def __init__(self, columns: Columns, near: Sequence[Row], vector: Sequence[float] | None) -> None:
        self._columns = columns
        self._known = np.full(columns.documents + columns.facts, np.nan)
        sample: Row = {"places": b"", "cosines": b""}
        for row in near:
            if row["cell"] == SAMPLE:
                sample = row
            else:
                self._take(row)
        self._update()
        self.facts = cells.scale(columns.spread_of_facts if vector else b"", vector or ())
        # Facts that rest on no turn are documents, and sessions of their own, spread like all facts.
        alone = float(len(columns.alone)), self.facts
        turns = cells.scale(columns.spread_of_turns if vector else b"", vector or ())
        self.documents = scales.united((float(columns.turns), turns), alone)
        self.sessions = scales.united((float(columns.turns), self._of_sessions(sample)), alone)

    def _take(self, row: Row) -> Places:
        places = np.frombuffer(row["places"], dtype=">i4").astype(np.int64)
        self._known[places] = np.frombuffer(row["cosines"], dtype=">f4")
        return places

    def _of_sessions(self, sample: Row) -> Scale:
        """Return how the best cosines of the sessions are spread, each counting as often as it has turns.

        Of sessions that something near is in, the best is known. How those are that nothing near is in, the sample
        tells.
        """
        sizes = self._columns.session_sizes.astype(np.float64)
        known = np.flatnonzero(~np.isnan(self.best[: len(sizes)]))
        places = self._take(sample)
        self._update()
        others = self.best[np.setdiff1d(self._columns.session[places], known)]
        return scales.united(
            (float(sizes[known].sum()), scales.weighted(self.best[known], sizes[known])),
            (float(sizes.sum() - sizes[known].sum()), scales.of(others)) if len(others) else (0.0, Scale(0.0, 0.0)),
        )

    @property
    def of_documents(self) -> Numbers:
        return self._known[: self._columns.documents]

    @property
    def of_facts(self) -> Numbers:
        return self._known[self._columns.documents :]

    def learn(self, places: Places, cosines: Numbers) -> None:
        """Take cosines of documents, and of facts behind them."""
        self._known[places] = cosines
        self._update()

    def _update(self) -> None:
        held = self._columns
        # A fact that rests on no turn has one vector, as a fact.
        self.of_documents[held.turns :] = self.of_facts[held.alone]
        near = np.flatnonzero(~np.isnan(self.of_documents))
        #: The best cosine of each session.
        self.best = np.full(len(held.sessions) + len(held.alone), np.nan)
        np.fmax.at(self.best, held.session[near], self.of_documents[near])


class Question:
    """What the index says of a question: which documents may answer it, and the features of those that were read."""

    def __init__(
        self,
        columns: Columns,
        question: str,
        question_stems: Sequence[str],
        vector: Sequence[float] | None,
        postings: Sequence[Row],
        near: Sequence[Row],
    ) -> None:
        self._columns = columns
        self._weights = weights_for(question_stems)
        self._asks_for_a_time = stems.asks_for_a_time(question)
        self._dates = dates.named(question)
        asked = stems.words(question)
        names = asked & frozenset(word for name in columns.speakers for word in stems.words(name))
        wanted = stems.wanted(question_stems, names)
        self._words = Words(columns, [stems.code(stem) for stem in wanted], postings)
        self._meaning = Meaning(columns, near, vector)
        named = {place for place, name in enumerate(columns.speakers) if names & stems.words(name)}
        # Nobody is preferred where one speaks alone.
        self._named = frozenset() if len(named) == len(columns.speakers) else frozenset(named)
        self._length = scales.of(np.log1p(columns.stems.astype(np.float64)))

    def best(self, count: int, among: Places) -> Places:
        """Return those documents (their places) that may answer best, in no order."""
        if len(among) <= count:
            return among
        return among[np.argpartition(-self._estimated(among), count)[:count]]

    def resting_on(self, places: Places) -> Places:
        """Return the facts (their places) that rest on documents, or are ones."""
        held = self._columns
        chosen = np.zeros(held.documents, dtype=np.bool_)
        chosen[places] = True
        found = [held.evidence_facts[chosen[held.evidence_turns]], held.alone[chosen[held.turns :]]]
        return np.unique(np.concatenate(found)).astype(np.int64)

    def unknown(self, documents: Places, facts: Places) -> tuple[Places, Places]:
        """Return the turns and facts among these whose cosines are not known."""
        turns = documents[documents < self._columns.turns]
        return (
            turns[np.isnan(self._meaning.of_documents[turns])],
            facts[np.isnan(self._meaning.of_facts[facts])],
        )

    def learn(self, rows: Sequence[Row], turns: Places, facts: Places) -> None:
        """Take the answer to the query `cosines` about these turns and facts."""
        named = {
            key.item: place
            for key, place in zip(map(self._columns.turn_key, turns.tolist()), turns.tolist(), strict=True)
        }
        named |= {self._columns.fact_name(place): self._columns.documents + place for place in facts.tolist()}
        for row in rows:
            places = np.array([named[item] for item in row["items"]], dtype=np.int64)
            self._meaning.learn(places, np.frombuffer(row["cosines"], dtype=">f8").astype(np.float64))

    def learnt(self, turns: Places, facts: Places) -> list[Row]:
        """Return the cosines that are known of these, in the form of the query `cosines`."""
        meaning, held = self._meaning, self._columns
        turns = turns[~np.isnan(meaning.of_documents[turns])]
        facts = facts[~np.isnan(meaning.of_facts[facts])]
        names = [held.turn_key(place).item for place in turns.tolist()]
        return [
            {"kind": "turn", "items": names, "cosines": meaning.of_documents[turns].astype(">f8").tobytes()},
            {
                "kind": "fact",
                "items": [held.fact_name(place) for place in facts.tolist()],
                "cosines": meaning.of_facts[facts].astype(">f8").tobytes(),
            },
        ]

    def of_facts(self, facts: Documents) -> Numbers:
        """Return how near each fact is to the question, in deviations."""
        return self._meaning.facts.of(facts.cosine)

    def of_documents(self, held: Documents) -> dict[str, Numbers]:
        """Return each feature of documents, in the index or not."""
        places = np.array([self._columns.place_of(key) for key in held.keys], dtype=np.int64)
        time_codes = [stems.code(stem) for stem in stems.TIME_STEMS]
        named = frozenset(self._columns.speakers[place] for place in self._named)
        return self._words.of_documents(held, places) | {
            "meaning": self._meaning.documents.of(held.cosine),
            "meaning_of_session": self._meaning.sessions.of(self._best_of_session(held, places)),
            "speaker": np.array([name in named for name in held.speaker], dtype=np.float64),
            "date": self._dates.matches(held.said_at),
            "tells_time": np.where(self._asks_for_a_time, lexical.counts(held, time_codes).any(axis=1), 0.0),
            "length": self._length.of(np.log1p(held.sizes.astype(np.float64))),
            "user": held.is_user,
        }

    def _estimated(self, places: Places) -> Numbers:
        """Return the score of documents of the index, as far as it is known; what is not, is taken for average."""
        held, meaning, weights = self._columns, self._meaning, self._weights
        traits, months = held.traits[places], held.months[places]
        features: dict[str, Numbers] = {
            **self._words.estimated(places),
            "meaning": meaning.documents.of(meaning.of_documents[places]),
            "meaning_of_session": meaning.sessions.of(meaning.best)[held.session[places]],
            "length": self._length.of(np.log1p(held.stems.astype(np.float64)))[places],
            "user": (traits & IS_USER > 0).astype(np.float64),
            "learnt": held.has_fact[places].astype(np.float64),
            "opening": held.is_opening[places].astype(np.float64),
            "fact": self._lent()[places],
        }
        if self._named:
            features["speaker"] = np.isin(held.speaker[places], list(self._named)).astype(np.float64)
        if self._dates.months or self._dates.years:
            seconds = months.astype("datetime64[M]").astype("datetime64[s]").astype(np.float64)
            features["date"] = self._dates.matches(seconds)
        if self._asks_for_a_time:
            features["tells_time"] = (traits & TELLS_TIME > 0).astype(np.float64)
        scores = np.zeros(len(places))
        for name, values in features.items():
            if weights[name]:
                scores += weights[name] * values
        return scores

    def _lent(self) -> Numbers:
        """Return what the nearest fact lends each document, where it is known."""
        held, meaning = self._columns, self._meaning
        scores = meaning.facts.of(meaning.of_facts)
        lent = np.full(held.documents, np.nan)
        near = np.flatnonzero(~np.isnan(meaning.of_facts)[held.evidence_facts])
        np.fmax.at(lent, held.evidence_turns[near], scores[held.evidence_facts[near]])
        lent[held.turns :] = scores[held.alone]
        return np.asarray(np.nan_to_num(lent))

    def _best_of_session(self, held: Documents, places: Places) -> Numbers:
        """Return the best cosine of each document's session, of those that are known."""
        best = np.full(int(held.session.max(initial=-1)) + 1, np.nan)
        np.fmax.at(best, held.session, held.cosine)
        sessions = self._columns.session_numbers
        known = np.array(
            [sessions.get(key.session_id, -1) if isinstance(key, TurnKey) else -1 for key in held.keys], dtype=np.int64
        )
        of_index: Numbers = self._meaning.best[known] if len(self._meaning.best) else np.full(len(known), np.nan)
        return np.asarray(np.fmax(best[held.session], np.where(known >= 0, of_index, np.nan)))
