"""One recall, without I/O: what to ask of Postgres, and what the answers come to."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from afterturn.database.statement import Answers, Row, Steps
from afterturn.hot.pending import Hot
from afterturn.memories import Memory
from afterturn.recall import cursor as cursors
from afterturn.recall import documents, memory_queries, ranking, stems
from afterturn.recall.document_keys import TurnKey
from afterturn.recall.documents import Documents
from afterturn.recall.filters import Filters
from afterturn.recall.ranking import Ranked, Ranking
from afterturn.recall.vector_index import lookup
from afterturn.scopes import SessionScope
from afterturn.turns import Turn

#: Pending turns that are ranked with the archived ones, at most: the newest.
MOST_PENDING = 200
#: Places of pending turns lie behind those of archived ones.
_FIRST_PENDING = 1 << 40


class Search:
    """One recall; `steps` says what to read."""

    def __init__(
        self,
        session: SessionScope,
        *,
        query: str | None,
        filters: Filters,
        order: str = "newest",
        cursor: str | None = None,
        explain: bool = False,
    ) -> None:
        """Raises InvalidInput when the cursor is not one of the same question."""
        self._session = session
        self.query = query
        self.filters = filters
        self._order = order
        self._explain = explain
        self._asked = cursors.digest(session.tenant_id, session.user_id, query, filters.arguments(), filters, order)
        self.skipped = cursors.decode(self._asked, cursor)
        self._pending: dict[TurnKey, Turn] = {}
        self._ranked: list[tuple[int, Ranked]] = []

    @property
    def kinds(self) -> frozenset[str]:
        """What may be a result. Without a question: the newest turns, or the most important facts."""
        if self.filters.kinds is not None or self.query is not None:
            return self.filters.wanted_kinds()
        return frozenset({"turn"} if self._order == "newest" else {"fact"})

    @property
    def is_newest(self) -> bool:
        """Whether it asks for the newest turns and nothing else, which needs no ranking."""
        return self.query is None and self.filters.is_empty and self._order == "newest"

    def page(self, newest: Sequence[Memory]) -> list[Memory]:
        """Return what lies behind the cursor, of the newest turns from the first one on."""
        numbered = list(enumerate(newest, 1))[self.skipped :]
        return [replace(memory, cursor=cursors.encode(self._asked, place)) for place, memory in numbered]

    def steps(
        self,
        hot: Hot,
        *,
        limit: int,
        space_id: int | None = None,
        vector: Sequence[float] | None = None,
    ) -> Steps[list[Memory]]:
        """Yield the statements to run, a list for each round trip, and return the memories."""
        waiting = hot.turns[len(hot.turns) - hot.waiting :][-MOST_PENDING:]
        self._pending = {
            TurnKey(self._session.session_id, _FIRST_PENDING + place): turn for place, turn in enumerate(waiting)
        }
        # Hidden ones are left out later, and a pending turn that was archived meanwhile stands there twice.
        room = limit + len(hot.hidden) + len(self._pending)
        features = partial(
            memory_queries.features,
            self._session.user,
            self.query or "",
            replace(self.filters, kinds=self.kinds),
            space_id=space_id,
            vector=vector,
            pending=waiting,
        )
        answers = yield [*features(), lookup.index(self._session.user)]
        results, indexed = answers[:-1], answers[-1]
        found: Iterable[Ranked] | None = None
        if indexed:
            if self.query is not None:
                asked = lookup.Asked(
                    user=self._session.user,
                    question=self.query,
                    vector=vector,
                    space_id=space_id,
                    filters=self.filters,
                    kinds=self.kinds,
                    wanted=self.skipped + room,
                )
                found = yield from lookup.ranked(
                    asked, indexed[0], _stems(results[0]), partial(self._with_pending, results[-1])
                )
            if found is None:
                results = yield features(is_whole=True)
        found = self._order_of(results) if found is None else self._good_enough(found)
        self._ranked = list(itertools.islice(enumerate(found, 1), self.skipped, self.skipped + room))
        answers = yield memory_queries.details(
            self._session.user, (one.key for _, one in self._ranked if one.key not in self._pending)
        )
        return self._memories(answers)

    def _memories(self, results: Answers) -> list[Memory]:
        """Return the memories in their order, from what was read of them."""
        found = memory_queries.memories(results)
        for key, turn in self._pending.items():
            found[key] = memory_queries.of_turn(turn, self._session.session_id, 0.0)
        complete: dict[tuple[str, str, str], Memory] = {}
        for place, one in self._ranked:
            if one.key in found:
                memory = self._complete(found[one.key], place, one)
                complete.setdefault((memory.kind, memory.session_id, memory.memory_id), memory)
        return list(complete.values())

    def _complete(self, memory: Memory, place: int, one: Ranked) -> Memory:
        return replace(
            memory,
            score=one.score,
            score_parts=one.parts if self._explain else None,
            cursor=cursors.encode(self._asked, place),
        )

    def _order_of(self, results: Answers) -> Iterable[Ranked]:
        memory = self._with_pending(results[-1], lookup.read_memory(_stems(results[0]), results))
        if self.query is None:
            return _by_order(memory, self.kinds, self._order)
        if not stems.words(self.query):
            # Nothing but signs: no memory has to do with it.
            return []
        return self._good_enough(Ranking(self.query, memory, self.kinds).results())

    def _good_enough(self, ranked: Iterable[Ranked]) -> Iterable[Ranked]:
        least = self.filters.min_score
        # Lazily: of a large memory, only the first results are ever looked at.
        return ranked if least is None else (one for one in ranked if one.score >= least)

    def _with_pending(self, pending: Sequence[Row], memory: documents.Memory) -> documents.Memory:
        if not self._pending:
            return memory
        return replace(memory, turns=documents.joined([memory.turns, self._waiting(pending[0])]))

    def _waiting(self, row: Row) -> Documents:
        count, turns = len(self._pending), list(self._pending.values())
        session_id = self._session.session_id
        return Documents(
            keys=list(self._pending),
            session=np.zeros(count, dtype=np.int64),
            speaker=[turn.speaker.casefold() for turn in turns],
            is_user=np.array([turn.role in ("user", "exchange") for turn in turns], dtype=np.float64),
            said_at=np.array([turn.occurred_at.timestamp() for turn in turns]),
            cosine=np.full(count, np.nan),
            sizes=np.frombuffer(row["sizes"], dtype=">i8").astype(np.int64),
            codes=stems.codes_of(row["stems"] or b""),
            passes=np.array([self.filters.lets_pending_pass(turn, session_id) for turn in turns], dtype=np.bool_),
            importance=np.zeros(count),
            is_superseded=np.zeros(count, dtype=np.bool_),
            is_chosen=np.zeros(count, dtype=np.bool_),
        )


def _stems(rows: Sequence[Row]) -> Sequence[str]:
    return rows[0]["stems"] or () if rows else ()


def of_hot(search: Search, session_id: str, hot: Hot, *, limit: int) -> list[Memory]:
    """Return what Redis alone can tell, when Postgres is away."""
    if "turn" not in search.kinds:
        return []
    turns = [turn for turn in hot.turns if search.filters.lets_pending_pass(turn, session_id)]
    found = list(reversed(turns)) if search.query is None else ranking.rank_pending(search.query, turns)
    return [
        memory_queries.of_turn(turn, session_id, 0.0 if search.query is None else 1 / place)
        for place, turn in enumerate(found[:limit], 1)
    ]


def _by_order(memory: documents.Memory, kinds: frozenset[str], order: str) -> list[Ranked]:
    parts = {"turn": memory.turns, "fact": memory.facts, "episode": memory.episodes}
    found = [
        (bool(part.is_superseded[place]), -float(part.importance[place]), -float(part.said_at[place]), -place, key)
        for kind, part in parts.items()
        if kind in kinds
        for place, key in enumerate(part.keys)
        if part.passes[place]
    ]
    first = (lambda one: one[:4]) if order == "importance" else (lambda one: (one[0], *one[2:4]))
    return [Ranked(key, 0.0, {}) for *_, key in sorted(found, key=first)]
