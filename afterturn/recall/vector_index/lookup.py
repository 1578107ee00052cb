"""Search a memory through its index, without I/O: yield statements, receive rows, and return the ranked documents."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afterturn.database import queries
from afterturn.database.statement import Answers, Statement, Steps
from afterturn.embedding import items
from afterturn.recall import documents, memory_queries, stems
from afterturn.recall.document_keys import TurnKey
from afterturn.recall.documents import DocumentSet, Places, Row
from afterturn.recall.filters import Filters
from afterturn.recall.memory_queries import DocumentKeys
from afterturn.recall.question_text import QuestionText
from afterturn.recall.ranking import Ranked, Ranking
from afterturn.recall.stems import QuestionWord
from afterturn.recall.vector_index import columns as index_columns
from afterturn.recall.vector_index.columns import IndexColumns
from afterturn.recall.vector_index.index_features import IndexFeatures
from afterturn.scopes import UserScope

_SQL = queries.load("vector_index")

#: The number of cells that are searched. More: the results are nearer to the exact ones, and the search is slower.
PROBES = 12
#: The number of documents that are read and ranked. The second number is tried if too few of the first pass the
#: filters; after that, the whole memory is read.
CANDIDATES = (160, 2_000)
#: The candidates are chosen from this many times as many documents, after the missing cosines of these were read.
PROMISING_FACTOR = 4
#: A transaction that committed within this time before the index was read may be missing in it. This is longer than a
#: transaction that writes turns or facts may take.
COMMIT_MARGIN = timedelta(minutes=10)
#: If more turns and facts than this are newer than the index, the whole memory is read.
MAX_NEW = 20_000

_NO_KEYS = DocumentKeys((), ())


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupRequest:
    """A search of an index."""

    user: UserScope
    question: QuestionText
    #: In the order of the question.
    question_words: Sequence[QuestionWord]
    vector: Sequence[float] | None
    space_id: int | None
    filters: Filters
    kinds: frozenset[str]
    #: The number of results that are needed.
    count: int
    #: Multiplies the weights of the cosines.
    meaning_share: float = 1.0


def index_statement(user: UserScope) -> Statement:
    """Return the statement that reads whether a memory has an index."""
    return Statement(_SQL["index"], user.key)


def search_index(
    request: LookupRequest, index_row: Row, add_pending_turns: Callable[[DocumentSet], DocumentSet]
) -> Steps[list[Ranked] | None]:
    """Return the best results in order; None where the whole memory must be read instead.

    That is so where the filters need data that the index does not have, or where too few candidates pass the filters.

    Args:
        request: the search.
        index_row: the row of `index_statement`.
        add_pending_turns: adds the turns that are not archived.
    """
    if not _can_answer(request, index_row):
        return None
    answers = yield _index_statements(request, index_row)
    column_rows, postings, cell_rows, grown_sessions, new_facts, current_index = answers
    if not column_rows or not current_index or current_index[0]["build"] != index_row["build"]:
        # Another index has replaced this one meanwhile.
        return None
    columns = index_columns.unpack(column_rows[0])
    new_keys = _new_keys(columns, grown_sessions, new_facts)
    if len(new_keys.turns) + len(new_keys.facts) > MAX_NEW:
        return None
    features = IndexFeatures(
        columns,
        request.question.text,
        request.question_words,
        request.vector,
        postings,
        cell_rows,
        meaning_share=request.meaning_share,
    )
    may_pass = np.flatnonzero(_may_pass_filters(columns, request))
    for candidate_count in CANDIDATES:
        promising = features.best_places(PROMISING_FACTOR * candidate_count, may_pass)
        if request.vector is not None:
            yield from _read_missing_cosines(request, columns, features, promising)
        places = features.best_places(candidate_count, promising)
        document_set = yield from _read_documents(request, columns, features, places, new_keys)
        ranking = Ranking(
            request.question.text,
            add_pending_turns(document_set),
            request.kinds,
            features,
            meaning_share=request.meaning_share,
        )
        results = list(itertools.islice(ranking.results(), request.count))
        if len(results) == request.count:
            return results
    return None


def decode_documents(
    question_words: Sequence[QuestionWord], answers: Answers, cosines: Sequence[Row] = ()
) -> DocumentSet:
    """Return the documents from the rows of `memory_queries.features`, with further rows of cosines."""
    _, turns, facts, read_cosines, evidence, episodes, *_ = answers
    return documents.decode_document_set(
        question_words, turns[0], facts[0], [*cosines, *read_cosines], evidence[0], episodes[0]
    )


def _can_answer(request: LookupRequest, index_row: Row) -> bool:
    filters = request.filters
    return (
        "episode" not in request.kinds
        and filters.as_of is None
        and not filters.include_superseded
        and request.count <= CANDIDATES[0]
        and bool(stems.words(request.question.text))
        and (request.vector is None or request.space_id == index_row["space_id"])
    )


def _index_statements(request: LookupRequest, index_row: Row) -> list[Statement]:
    arguments: dict[str, Any] = request.user.key | {
        "build": index_row["build"],
        "since": index_row["read_at"] - COMMIT_MARGIN,
        "stems": [
            code.to_bytes(4, "big")
            for word in request.question_words[: 2 * stems.MAX_QUESTION_STEMS]
            for code in word.codes
        ],
        "vector": None if request.vector is None else items.halfvec(request.vector),
        "probes": PROBES,
    }
    names = ("columns", "postings", "cells", "grown_sessions", "new_facts", "index")
    return [Statement(_SQL[name], arguments, is_binary=True) for name in names]


def _read_missing_cosines(
    request: LookupRequest, columns: IndexColumns, features: IndexFeatures, places: Places
) -> Steps[None]:
    """Read the cosines of documents, and of their facts, that are not known."""
    turns, facts = features.without_cosine(places, features.facts_of(places))
    statements = _feature_statements(request, _keys_of(columns, turns, facts))
    answers = yield [statements[memory_queries.MEMORY_QUERIES.index("cosines")]]
    features.add_cosines(answers[0], turns, facts)


def _read_documents(
    request: LookupRequest, columns: IndexColumns, features: IndexFeatures, places: Places, new_keys: DocumentKeys
) -> Steps[DocumentSet]:
    """Read documents of the index and their facts, together with all that are newer than the index."""
    turns, facts = places[places < columns.turn_count], features.facts_of(places)
    keys = _keys_of(columns, turns, facts, new_keys)
    answers = yield _feature_statements(request, keys, cosine_keys=new_keys)
    return decode_documents(request.question_words, answers, features.cosine_rows(turns, facts))


def _feature_statements(
    request: LookupRequest, keys: DocumentKeys, cosine_keys: DocumentKeys | None = None
) -> list[Statement]:
    return memory_queries.features(
        request.user,
        request.question,
        replace(request.filters, kinds=request.kinds),
        space_id=request.space_id,
        vector=request.vector,
        pending=(),
        keys=keys,
        cosine_keys=cosine_keys,
    )[: len(memory_queries.MEMORY_QUERIES)]


def _keys_of(columns: IndexColumns, turns: Places, facts: Places, others: DocumentKeys = _NO_KEYS) -> DocumentKeys:
    return DocumentKeys(
        list(dict.fromkeys([*map(columns.turn_key, turns.tolist()), *others.turns])),
        list(dict.fromkeys([*map(columns.fact_id, facts.tolist()), *others.facts])),
    )


def _new_keys(columns: IndexColumns, grown_sessions: Sequence[Row], new_facts: Sequence[Row]) -> DocumentKeys:
    """Return the turns and facts that are newer than the index."""
    turns = []
    for row in grown_sessions:
        session = columns.session_numbers.get(row["session_id"])
        last = 0 if session is None else columns.last_position(session)
        turns += [TurnKey(row["session_id"], position) for position in range(last + 1, row["next_position"])]
    turns += [TurnKey(row["session_id"], row["position"]) for row in new_facts if row["session_id"] is not None]
    return DocumentKeys(list(dict.fromkeys(turns)), list(dict.fromkeys(row["fact_id"] for row in new_facts)))


def _may_pass_filters(columns: IndexColumns, request: LookupRequest) -> NDArray[np.bool_]:
    """Return which documents may pass the filters, as far as the columns of the index show."""
    filters = request.filters
    may_pass = np.ones(columns.document_count, dtype=np.bool_)
    if filters.session_id is not None:
        session = columns.session_numbers.get(filters.session_id, -1)
        may_pass[: columns.turn_count] = columns.session[: columns.turn_count] == session
    if filters.time == "world":
        # One month of tolerance on both sides, because a fact of the turn may have been said again later.
        if filters.since is not None:
            may_pass &= columns.months >= _month_number(filters.since) - 1
        if filters.until is not None:
            may_pass &= columns.months <= _month_number(filters.until) + 1
    if "turn" not in request.kinds or filters.topics is not None:
        may_pass &= columns.has_fact
    return may_pass


def _month_number(time: datetime) -> int:
    """Return the months since January 1970."""
    return 12 * (time.year - 1970) + time.month - 1
