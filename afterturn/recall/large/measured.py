"""A question against the index of a large memory: exact by words, by meaning for what is near, estimated for the rest.

Words are counted over all documents, as they are in a small memory. Cosines are known of the cells that were looked
into; mean and deviation of all of them come from the sample.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from afterturn.recall import dates, lexical, stems
from afterturn.recall.documents import Documents, Row, TurnKey
from afterturn.recall.large import cells, scales
from afterturn.recall.large.columns import IS_USER, TELLS_TIME, Columns, Places
from afterturn.recall.large.scales import Scale
from afterturn.recall.lexical import Common
from afterturn.recall.ranking import around, weights_for

Numbers = NDArray[np.float64]

#: The features that are scores of words.
LEVELS = ("words", "words_around", "words_of_session")

#: The cell that is a sample of all.
SAMPLE = -1


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
