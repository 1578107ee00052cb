"""One recall without I/O: the statements to run, and the memories that result from their rows."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from afterturn.database.statement import Answers, Row, Steps
from afterturn.hot.pending import HotTurns
from afterturn.languages import segmentation
from afterturn.memories import Memory
from afterturn.recall import cursor as cursors
from afterturn.recall import documents, memory_queries, neighbours, stems
from afterturn.recall.document_keys import TurnKey
from afterturn.recall.documents import Documents, DocumentSet
from afterturn.recall.filters import Filters
from afterturn.recall.neighbours import Neighbours
from afterturn.recall.question_text import QuestionText
from afterturn.recall.ranking import Ranked, Ranking
from afterturn.recall.stems import QuestionWord
from afterturn.recall.vector_index import lookup
from afterturn.recall.vector_index.lookup import LookupRequest
from afterturn.scopes import SessionScope
from afterturn.turns import Turn

#: At most this many pending turns, the newest ones, are ranked together with the archived turns.
MAX_PENDING = 200
#: Pending turns have no position yet. Their keys get positions from here on, after those of all archived turns.
_FIRST_PENDING_POSITION = 1 << 40

_WORD = re.compile(r"\w{3,}")


class Search:
    """One recall; `steps` runs it."""

    def __init__(
        self,
        session: SessionScope,
        *,
        query: str | None,
        filters: Filters,
        order: str = "newest",
        cursor: str | None = None,
        explain: bool = False,
        with_neighbours: bool = False,
    ) -> None:
        """Prepare a search. Raises InvalidInput when the cursor does not belong to the same search."""
        self._session = session
        self.query = query
        self._question = QuestionText(query or "")
        self.filters = filters
        self._order = order
        self._explain = explain
        self._with_neighbours = with_neighbours
        #: The turns around the recalled turns, if they are asked for.
        self.neighbours = Neighbours()
        self._digest = cursors.digest_search(
            session.tenant_id, session.user_id, query, filters.arguments(), filters, order
        )
        self.skipped = cursors.decode(self._digest, cursor)
        self._pending: dict[TurnKey, Turn] = {}
        self._meaning_share = 1.0
        #: The results of this page with their ranks.
        self._ranked: list[tuple[int, Ranked]] = []

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds that may be results. By default without a query: turns if the newest are wanted, else facts."""
        if self.filters.kinds is not None or self.query is not None:
            return self.filters.kinds_or_default()
        return frozenset({"turn"} if self._order == "newest" else {"fact"})

    @property
    def is_newest(self) -> bool:
        """Whether the results are simply the newest turns, which need no ranking."""
        return self.query is None and self.filters.is_empty and self._order == "newest"

    def page(self, newest: Sequence[Memory]) -> list[Memory]:
        """Return the page after the cursor, from the newest turns in order."""
        numbered = list(enumerate(newest, 1))[self.skipped :]
        return [replace(memory, cursor=cursors.encode(self._digest, rank)) for rank, memory in numbered]

    def steps(
        self,
        hot: HotTurns,
        *,
        limit: int,
        space_id: int | None = None,
        vector: Sequence[float] | None = None,
        meaning_share: float = 1.0,
    ) -> Steps[list[Memory]]:
        """Run the search as a generator.

        Args:
            hot: what Redis knows of the session.
            limit: the number of memories.
            space_id: the embedding space of `vector`.
            vector: of the query; None: the search uses words alone.
            meaning_share: multiplies the weights of the cosines.
        """
        pending = hot.turns[len(hot.turns) - hot.waiting :][-MAX_PENDING:]
        self._meaning_share = meaning_share
        self._pending = {
            TurnKey(self._session.session_id, _FIRST_PENDING_POSITION + index): turn
            for index, turn in enumerate(pending)
        }
        # The caller removes hidden turns later, and a pending turn that was archived meanwhile is found twice.
        page_size = limit + len(hot.hidden) + len(self._pending)
        ranked = yield from self._rank(space_id, vector, self.skipped + page_size)
        self._ranked = list(itertools.islice(enumerate(ranked, 1), self.skipped, self.skipped + page_size))
        keys = [result.key for _, result in self._ranked if result.key not in self._pending]
        if self._with_neighbours:
            keys += neighbours.neighbour_keys(keys)
        answers = yield memory_queries.details(self._session.user, keys, self.filters, self._pending.values())
        return self._memories(answers)

    def _rank(self, space_id: int | None, vector: Sequence[float] | None, count: int) -> Steps[Iterable[Ranked]]:
        """Return at least the first `count` results in order, if there are as many."""
        features = partial(
            memory_queries.features,
            self._session.user,
            self._question,
            replace(self.filters, kinds=self.kinds),
            space_id=space_id,
            vector=vector,
            pending=list(self._pending.values()),
        )
        # A memory without index is read in the same round trip that asks for its index.
        answers = yield [*features(), lookup.index_statement(self._session.user)]
        feature_rows, index_rows = answers[:-1], answers[-1]
        if index_rows and self.query is not None:
            request = LookupRequest(
                user=self._session.user,
                question=self._question,
                question_words=stems.split_words(self._question_words(feature_rows)),
                vector=vector,
                space_id=space_id,
                filters=self.filters,
                kinds=self.kinds,
                count=count,
                meaning_share=self._meaning_share,
            )
            ranked = yield from lookup.search_index(
                request, index_rows[0], partial(self._add_pending_turns, feature_rows[-1])
            )
            if ranked is not None:
                return self._drop_low_scores(ranked)
        if index_rows:
            feature_rows = yield features(include_indexed=True)
        return self._rank_all(feature_rows)

    def _rank_all(self, feature_rows: Answers) -> Iterable[Ranked]:
        """Rank all documents of a memory."""
        document_set = lookup.decode_documents(self._question_words(feature_rows), feature_rows)
        document_set = self._add_pending_turns(feature_rows[-1], document_set)
        if self.query is None:
            return _sort_without_query(document_set, self.kinds, self._order)
        if not stems.words(self.query):
            # The query has no word characters, so no memory is related to it.
            return []
        ranking = Ranking(self.query, document_set, self.kinds, meaning_share=self._meaning_share)
        return self._drop_low_scores(ranking.results())

    def _question_words(self, feature_rows: Answers) -> Sequence[QuestionWord]:
        return self._question.decode(feature_rows[0])

    def _drop_low_scores(self, ranked: Iterable[Ranked]) -> Iterable[Ranked]:
        min_score = self.filters.min_score
        # A generator, because only the first results of a ranking are used.
        return ranked if min_score is None else (result for result in ranked if result.score >= min_score)

    def _memories(self, detail_rows: Answers) -> list[Memory]:
        """Return the memories of this page in order."""
        memories = memory_queries.decode_memories(detail_rows)
        if self._with_neighbours:
            self.neighbours = neighbours.find_neighbours(memories)
        for key, turn in self._pending.items():
            memories[key] = memory_queries.turn_as_memory(turn, self._session.session_id, 0.0)
        complete: dict[tuple[str, str, str], Memory] = {}
        for rank, result in self._ranked:
            if result.key in memories:
                memory = self._complete(memories[result.key], rank, result)
                complete.setdefault((memory.kind, memory.session_id, memory.memory_id), memory)
        return list(complete.values())

    def _complete(self, memory: Memory, rank: int, result: Ranked) -> Memory:
        return replace(
            memory,
            score=result.score,
            score_parts=result.parts if self._explain else None,
            cursor=cursors.encode(self._digest, rank),
        )

    def _add_pending_turns(self, pending_rows: Sequence[Row], document_set: DocumentSet) -> DocumentSet:
        if not self._pending:
            return document_set
        turns = documents.concatenate([document_set.turns, self._pending_documents(pending_rows[0])])
        return replace(document_set, turns=turns)

    def _pending_documents(self, row: Row) -> Documents:
        count, turns = len(self._pending), list(self._pending.values())
        session_id = self._session.session_id
        return Documents(
            keys=list(self._pending),
            session=np.zeros(count, dtype=np.int64),
            speaker=[turn.speaker.casefold() for turn in turns],
            is_user=np.array([turn.role in ("user", "exchange") for turn in turns], dtype=np.float64),
            said_at=np.array([turn.occurred_at.timestamp() for turn in turns]),
            cosine=np.full(count, np.nan),
            lengths=np.frombuffer(row["lengths"], dtype=">i8").astype(np.int64),
            codes=stems.decode_codes(row["stems"] or b""),
            passes=np.array([self.filters.matches_pending_turn(turn, session_id) for turn in turns], dtype=np.bool_),
            importance=np.zeros(count),
            is_superseded=np.zeros(count, dtype=np.bool_),
            is_chosen=np.zeros(count, dtype=np.bool_),
        )


def search_hot_turns(search: Search, session_id: str, hot: HotTurns, *, limit: int) -> list[Memory]:
    """Return the results from Redis alone, for when Postgres is unavailable."""
    if "turn" not in search.kinds:
        return []
    turns = [turn for turn in hot.turns if search.filters.matches_pending_turn(turn, session_id)]
    ranked = list(reversed(turns)) if search.query is None else _rank_by_shared_words(search.query, turns)
    return [
        memory_queries.turn_as_memory(turn, session_id, 0.0 if search.query is None else 1 / rank)
        for rank, turn in enumerate(ranked[:limit], 1)
    ]


def _sort_without_query(document_set: DocumentSet, kinds: frozenset[str], order: str) -> list[Ranked]:
    """Return the documents by time or importance; superseded facts come last."""

    def sort_key(part: Documents, place: int) -> tuple[Any, ...]:
        importance = (-float(part.importance[place]),) if order == "importance" else ()
        return (bool(part.is_superseded[place]), *importance, -float(part.said_at[place]), -place)

    parts = {"turn": document_set.turns, "fact": document_set.facts, "episode": document_set.episodes}
    keyed = [
        (sort_key(part, place), key)
        for kind, part in parts.items()
        if kind in kinds
        for place, key in enumerate(part.keys)
        if part.passes[place]
    ]
    return [Ranked(key, 0.0, {}) for _, key in sorted(keyed, key=lambda pair: pair[0])]


def _rank_by_shared_words(query: str, turns: Sequence[Turn]) -> list[Turn]:
    """Return the turns that share a word with the query; most shared words first, then newest first."""
    wanted = _words(query)
    shared = [(len(wanted & _words(turn.content)), index, turn) for index, turn in enumerate(turns)]
    return [turn for count, _, turn in sorted(shared, key=lambda row: (-row[0], -row[1])) if count]


def _words(text: str) -> set[str]:
    words, pieces = segmentation.split(segmentation.normalize(text))
    # Removing a final "s" is stemming enough for the few turns in Redis.
    return {*pieces, *(word.casefold().removesuffix("s") for word in _WORD.findall(words))}
