"""Exact results of recall without Postgres: all documents of a synthetic memory, ranked by the same rules."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import psycopg
from numpy.typing import NDArray

from afterturn.recall import documents, stems
from afterturn.recall.document_keys import Key, TurnKey
from afterturn.recall.documents import Documents
from afterturn.recall.filters import DEFAULT_KINDS
from afterturn.recall.ranking import Ranking
from harness.synthetic import TURNS_PER_SESSION, Places, SearchQuestion, SyntheticMemory, Vectors, Vocabulary


class Stemmer:
    """The vocabulary's stems as the schema computes them."""

    def __init__(self, connection: psycopg.Connection, vocabulary: Vocabulary) -> None:
        rows = connection.execute(
            "SELECT stem_codes(w.word), (SELECT lexeme FROM unnest(stems_of(w.word)))"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS w (word, place) ORDER BY w.place",
            (list(vocabulary.words),),
        ).fetchall()
        #: Per word: its code, and its stem.
        self.codes = np.array([stems.decode_codes(code)[0] for code, _ in rows], dtype=np.uint32)
        self.stems = dict(zip(vocabulary.words, (stem for _, stem in rows), strict=True))


class BruteForce:
    """The synthetic memory of one user."""

    def __init__(self, said: SyntheticMemory, stemmer: Stemmer) -> None:
        self.said = said
        self._stemmer = stemmer
        self._turn_keys = [TurnKey(said.session_of(turn), said.position_of(turn)) for turn in range(len(said.turns))]
        facts = np.arange(len(said.facts))
        self._evidence = facts, np.array([said.turn_of(fact) for fact in facts.tolist()], dtype=np.int64)

    def best(self, question: SearchQuestion, limit: int) -> list[tuple[Key, float]]:
        """Return the keys and scores of the best documents for the question."""
        ranking = Ranking(question.text, self.document_set(question), DEFAULT_KINDS)
        return [(found.key, found.score) for found in itertools.islice(ranking.results(), limit)]

    def document_set(self, question: SearchQuestion) -> documents.DocumentSet:
        """Return the documents of the memory, for ranking."""
        said = self.said
        vector = np.array(question.vector, dtype=np.float16).astype(np.float32)
        turns, facts = len(said.turns), len(said.facts)
        turn_at = np.array([said.said_at(turn).timestamp() for turn in range(turns)])
        words = question.text.removeprefix("What about ").removesuffix("?").split()
        return documents.DocumentSet(
            question_words=list(map(stems.word_of_stem, dict.fromkeys(self._stemmer.stems[word] for word in words))),
            turns=self._documents(
                self._turn_keys,
                said.turns,
                said.turn_vectors,
                vector,
                session=np.arange(turns) // TURNS_PER_SESSION,
                speaker=["assistant" if turn % 2 else "user" for turn in range(turns)],
                is_user=1.0 - np.arange(turns) % 2,
                said_at=turn_at,
                importance=np.zeros(turns),
            ),
            facts=self._documents(
                said.fact_ids,
                said.facts,
                said.fact_vectors,
                vector,
                session=np.arange(facts),
                speaker=[""] * facts,
                is_user=np.ones(facts),
                said_at=turn_at[self._evidence[1]],
                importance=said.importance.astype(np.float64),
            ),
            episodes=self._documents(
                [],
                said.turns[:0],
                said.turn_vectors[:0],
                vector,
                session=np.zeros(0, dtype=np.int64),
                speaker=[],
                is_user=np.zeros(0),
                said_at=np.zeros(0),
                importance=np.zeros(0),
            ),
            evidence=self._evidence,
        )

    def _documents(
        self, keys: Sequence[Key], texts: Places, vectors: Vectors, question: NDArray[np.float32], **columns: object
    ) -> Documents:
        count = len(keys)
        return Documents(
            keys=keys,
            cosine=(vectors.astype(np.float32) @ question).astype(np.float64),
            lengths=np.full(count, texts.shape[1]),
            codes=self._stemmer.codes[texts].ravel(),
            passes=np.ones(count, dtype=np.bool_),
            is_superseded=np.zeros(count, dtype=np.bool_),
            is_chosen=np.ones(count, dtype=np.bool_),
            **columns,  # type: ignore[arg-type]
        )
