"""Rank the turns of a memory by vectors alone, by words alone (BM25), and by the sum of both, each standardized.

The documents are the turns as they are stored, without facts and without any other feature. The vector of a turn is
that of the beginning of its text alone; the words are those that recall finds. recall must not be worse than these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import psycopg
from psycopg.rows import dict_row

from afterturn.embedding import spaces
from afterturn.embedding.spaces import EmbeddingSpace
from afterturn.recall import document_features, lexical, memory_queries, stems
from afterturn.recall.document_keys import TurnKey
from afterturn.recall.documents import Documents, Numbers
from afterturn.recall.filters import Filters
from afterturn.recall.question_text import QuestionText
from afterturn.recall.vector_index import lookup
from afterturn.scopes import UserScope
from afterturn.settings import Settings
from bench import asking
from bench.asking import Scored
from bench.data.conversation import SaidTurn
from bench.data.questions import Labelled, LabelledQuestion

#: Characters of a turn that are embedded.
EMBEDDED_CHARACTERS = 1_200
DEPTH = max(asking.DEPTHS)


def measure(labelled: Iterable[Labelled], settings: Settings) -> dict[str, dict[str, object]]:
    """Return the means of each baseline over all questions, and per category. The memories are in the database."""
    scored: dict[str, list[Scored]] = {"vectors": [], "words": [], "sum": []}
    with psycopg.connect(settings.postgres_url.get_secret_value(), autocommit=True, row_factory=dict_row) as connection:
        rows = connection.execute(memory_queries.SQL["active_spaces"]).fetchall()
        [space] = [EmbeddingSpace(**row) for row in rows if row["state"] == "serving"]
        embedder = spaces.open_embedder(space, settings)
        for one in labelled:
            scope = UserScope(settings.tenant, one.conversation.user_id)
            turns = one.conversation.turns
            vectors = dict(zip(turns, embedder.embed([_text(turn) for turn in turns.values()]), strict=True))
            for asked in one.questions:
                documents, words = _read_turns(connection, scope, asked)
                turn_ids = _turn_ids(one, documents)
                cosines = np.array([vectors[turn_id] for turn_id in turn_ids]) @ embedder.embed([asked.text])[0]
                for name, scores in _rankings(documents, words, cosines).items():
                    ranked = rank(turn_ids, scores, documents.passes)
                    scored[name].append(asking.score_turns(asked, ranked))
        embedder.close()
    return {
        name: {"overall": asking.means(found), "categories": asking.by_category(found)}
        for name, found in scored.items()
    }


def rank(turn_ids: Sequence[str], scores: Numbers, passes: Any) -> list[str]:
    """Return the turns that pass with the highest scores, best first."""
    order = np.argsort(np.where(passes, -scores, np.inf), kind="stable")
    return [turn_ids[place] for place in order[:DEPTH].tolist() if passes[place]]


def _rankings(documents: Documents, words: Sequence[stems.QuestionWord], cosines: Numbers) -> Mapping[str, Numbers]:
    counts = lexical.count_words_or_related(documents, stems.topic_words(words, ()))
    bm25 = lexical.bm25(counts, documents.lengths.astype(np.float64)).sum(axis=1)
    both = document_features.standardize(bm25) + document_features.standardize(cosines)
    return {"vectors": cosines, "words": bm25, "sum": both}


def _read_turns(
    connection: psycopg.Connection[dict[str, Any]], scope: UserScope, asked: LabelledQuestion
) -> tuple[Documents, list[stems.QuestionWord]]:
    """Return the turns of a memory, where those pass that were said before the question, and the words of it."""
    question = QuestionText(asked.text)
    statements = memory_queries.features(
        scope, question, Filters(until=asked.at), space_id=None, vector=None, pending=(), include_indexed=True
    )
    answers = [
        connection.execute(one.sql, one.arguments, binary=one.is_binary, prepare=False).fetchall() for one in statements
    ]
    words = stems.split_words(question.decode(answers[0]))
    return lookup.decode_documents(words, answers).turns, words


def _turn_ids(labelled: Labelled, documents: Documents) -> list[str]:
    sessions = {session.session_id: session.turns for session in labelled.conversation.sessions}
    return [sessions[key.session_id][key.position - 1].turn_id for key in documents.keys if isinstance(key, TurnKey)]


def _text(turn: SaidTurn) -> str:
    return f"{turn.name}: {turn.content}"[:EMBEDDED_CHARACTERS] if turn.name else turn.content[:EMBEDDED_CHARACTERS]
