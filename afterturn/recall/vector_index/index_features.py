"""The features of documents for one question, computed from the index of a large memory.

The features of words are exact: they are computed over all documents, as in a memory without index. Cosines are known
only for the cells that were searched; mean and deviation of all cosines are estimated.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from afterturn.recall import document_features, lexical, question_dates, question_text, stems
from afterturn.recall.document_keys import TurnKey
from afterturn.recall.documents import Documents, Numbers, Places, Row
from afterturn.recall.ranking import weights_for
from afterturn.recall.stems import QuestionWord
from afterturn.recall.vector_index.columns import IS_USER, NAMES_TIME, STATES_STANDING, IndexColumns
from afterturn.recall.vector_index.known_cosines import KnownCosines
from afterturn.recall.vector_index.word_features import WordFeatures


class IndexFeatures:
    """Selects the documents that may answer a question, and computes the features of documents that were read.

    It is the `FeatureSource` of `Ranking` for a memory with an index.
    """

    def __init__(
        self,
        columns: IndexColumns,
        question: str,
        question_words: Sequence[QuestionWord],
        vector: Sequence[float] | None,
        postings: Sequence[Row],
        cell_rows: Sequence[Row],
        *,
        meaning_share: float = 1.0,
    ) -> None:
        """Compute what the rows of the index say about the question.

        Args:
            columns: of the index.
            question: its text.
            question_words: in the order of the question.
            vector: of the question; None: words alone.
            postings: rows of the query `postings`.
            cell_rows: rows of the query `cells`.
            meaning_share: multiplies the weights of the cosines.
        """
        self._columns = columns
        self._weights = weights_for(question_words, meaning_share)
        self._is_time_question = stems.is_time_question(question)
        self._asks_for_present = question_text.asks_for_present(question)
        self._sorted_months = np.sort(columns.months)
        self._dates = question_dates.find_dates(question)
        names = stems.words(question) & frozenset(word for name in columns.speakers for word in stems.words(name))
        self._words = WordFeatures(columns, stems.topic_words(question_words, names), postings)
        self._cosines = KnownCosines(columns, cell_rows, vector)
        named_speakers = {number for number, name in enumerate(columns.speakers) if names & stems.words(name)}
        #: Empty where all speakers are named, because then the feature distinguishes nothing.
        self._named_speakers = frozenset(named_speakers if len(named_speakers) < len(columns.speakers) else ())

    def best_places(self, count: int, among: Places) -> Places:
        """Return the places of the `count` documents with the highest estimated scores, in no order."""
        if len(among) <= count:
            return among
        return among[np.argpartition(-self._estimate_scores(among), count)[:count]]

    def facts_of(self, places: Places) -> Places:
        """Return the places of the facts of documents: facts whose evidence they are, and standalone facts."""
        columns = self._columns
        is_chosen = np.zeros(columns.document_count, dtype=np.bool_)
        is_chosen[places] = True
        with_evidence = columns.evidence_facts[is_chosen[columns.evidence_turns]]
        standalone = columns.standalone[is_chosen[columns.turn_count :]]
        return np.unique(np.concatenate([with_evidence, standalone])).astype(np.int64)

    def without_cosine(self, documents: Places, facts: Places) -> tuple[Places, Places]:
        """Return those of the turns and of the facts whose cosines are not known."""
        turns = documents[documents < self._columns.turn_count]
        return (
            turns[np.isnan(self._cosines.of_documents[turns])],
            facts[np.isnan(self._cosines.of_facts[facts])],
        )

    def add_cosines(self, rows: Sequence[Row], turns: Places, facts: Places) -> None:
        """Add the rows of the query `cosines` for these turns and facts."""
        columns = self._columns
        places_of_items = {columns.turn_key(place).item: place for place in turns.tolist()}
        places_of_items |= {columns.fact_item(place): columns.document_count + place for place in facts.tolist()}
        for row in rows:
            places = np.array([places_of_items[item] for item in row["items"]], dtype=np.int64)
            self._cosines.add(places, np.frombuffer(row["cosines"], dtype=">f8").astype(np.float64))

    def cosine_rows(self, turns: Places, facts: Places) -> list[Row]:
        """Return the known cosines of these turns and facts, as rows of the query `cosines`."""
        cosines, columns = self._cosines, self._columns
        turns = turns[~np.isnan(cosines.of_documents[turns])]
        facts = facts[~np.isnan(cosines.of_facts[facts])]
        return [
            {
                "kind": "turn",
                "items": [columns.turn_key(place).item for place in turns.tolist()],
                "cosines": cosines.of_documents[turns].astype(">f8").tobytes(),
            },
            {
                "kind": "fact",
                "items": [columns.fact_item(place) for place in facts.tolist()],
                "cosines": cosines.of_facts[facts].astype(">f8").tobytes(),
            },
        ]

    def fact_similarities(self, facts: Documents) -> Numbers:
        """Return the standardized cosine of each fact."""
        return self._cosines.fact_scale.standardize(facts.cosine)

    def document_features(self, documents: Documents) -> dict[str, Numbers]:
        """Return the features of documents by name. The documents may be newer than the index."""
        places = np.array([self._columns.place_of(key) for key in documents.keys], dtype=np.int64)
        time_codes = [stems.code(stem) for stem in stems.TIME_STEMS]
        speakers = frozenset(self._columns.speakers[number] for number in self._named_speakers)
        best_cosines = self._best_session_cosines(documents)
        names_time = lexical.contains_stem(documents, time_codes)
        words = self._words.document_features(documents, places)
        of_session = document_features.session_shares(self._session_sizes(documents, places))
        return (
            words
            | self._present_features(documents)
            | {
                "words_of_session": of_session * words["words_of_session"],
                "meaning": self._cosines.document_scale.standardize(documents.cosine),
                "meaning_of_session": of_session * self._cosines.session_scale.standardize(best_cosines),
                "speaker": np.array([name in speakers for name in documents.speaker], dtype=np.float64),
                "date": self._dates.match_scores(documents.said_at),
                "tells_time": np.where(self._is_time_question, names_time, 0.0),
                "length": document_features.length_scores(documents.lengths),
                "user": documents.is_user,
                "standing": document_features.states_standing(documents),
                "early": document_features.earliness(documents),
            }
        )

    def _present_features(self, documents: Documents) -> dict[str, Numbers]:
        """Return what counts only where the question asks for what holds now; recency is known by the month."""
        if not self._asks_for_present:
            return {"changed": np.zeros(len(documents)), "recent": np.zeros(len(documents))}
        months = documents.said_at.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
        recent = document_features.recency(months.astype(np.float64), self._sorted_months.astype(np.float64))
        return {"changed": document_features.tells_change(documents), "recent": recent}

    def _estimate_scores(self, places: Places) -> Numbers:
        """Return the scores of documents of the index. A feature that is not known counts as average."""
        columns, weights = self._columns, self._weights
        scores = np.zeros(len(places))
        for name, values in self._known_features(places).items():
            if weights[name]:
                scores += weights[name] * values
        if self._named_speakers:
            is_named = np.isin(columns.speaker[places], list(self._named_speakers)).astype(np.float64)
            scores += weights["speaker"] * is_named
        if self._dates.months or self._dates.years:
            seconds = columns.months[places].astype("datetime64[M]").astype("datetime64[s]").astype(np.float64)
            scores += weights["date"] * self._dates.match_scores(seconds)
        if self._asks_for_present:
            months = columns.months[places].astype(np.float64)
            recent = document_features.recency(months, self._sorted_months.astype(np.float64))
            scores += weights["recent"] * recent
        if self._is_time_question:
            scores += weights["tells_time"] * (columns.traits[places] & NAMES_TIME > 0).astype(np.float64)
        return scores

    def _known_features(self, places: Places) -> dict[str, Numbers]:
        """Return the features of documents of the index that every question has."""
        columns, cosines = self._columns, self._cosines
        session_similarities = cosines.session_scale.standardize(cosines.best_of_session)
        words, traits, session = self._words.indexed_features(places), columns.traits[places], columns.session[places]
        of_session = document_features.session_shares(np.bincount(columns.session)[session])
        return {
            **words,
            "words_of_session": of_session * words["words_of_session"],
            "meaning": cosines.document_scale.standardize(cosines.of_documents[places]),
            "meaning_of_session": of_session * session_similarities[session],
            "length": document_features.length_scores(columns.lengths[places]),
            "user": (traits & IS_USER > 0).astype(np.float64),
            "standing": (traits & STATES_STANDING > 0).astype(np.float64),
            "early": columns.earliness[places],
            "learnt": columns.has_fact[places].astype(np.float64),
            "fact": self._best_fact_similarities()[places],
        }

    def _best_fact_similarities(self) -> Numbers:
        """Return for each document the highest standardized cosine of its facts; 0 where none is known."""
        columns, cosines = self._columns, self._cosines
        similarities = cosines.fact_scale.standardize(cosines.of_facts)
        best = np.full(columns.document_count, np.nan)
        known = np.flatnonzero(~np.isnan(cosines.of_facts)[columns.evidence_facts])
        np.fmax.at(best, columns.evidence_turns[known], similarities[columns.evidence_facts[known]])
        best[columns.turn_count :] = similarities[columns.standalone]
        return np.asarray(np.nan_to_num(best))

    def _session_sizes(self, documents: Documents, places: Places) -> Numbers:
        """Return how many turns the session of each document has: those of the index, and the new ones."""
        new = np.bincount(documents.session, places < 0, minlength=1)[documents.session]
        indexed = np.zeros(len(documents))
        for place, key in enumerate(documents.keys):
            session = self._columns.session_numbers.get(key.session_id) if isinstance(key, TurnKey) else None
            if session is not None:
                indexed[place] = self._columns.session_sizes[session]
        return np.asarray(new + indexed)

    def _best_session_cosines(self, documents: Documents) -> Numbers:
        """Return the highest known cosine in the session of each document; nan where none is known."""
        best = np.full(int(documents.session.max(initial=-1)) + 1, np.nan)
        np.fmax.at(best, documents.session, documents.cosine)
        session_numbers = self._columns.session_numbers
        indexed_sessions = np.array(
            [session_numbers.get(key.session_id, -1) if isinstance(key, TurnKey) else -1 for key in documents.keys],
            dtype=np.int64,
        )
        best_of_session = self._cosines.best_of_session
        best_in_index: Numbers = (
            best_of_session[indexed_sessions] if len(best_of_session) else np.full(len(indexed_sessions), np.nan)
        )
        return np.asarray(np.fmax(best[documents.session], np.where(indexed_sessions >= 0, best_in_index, np.nan)))
