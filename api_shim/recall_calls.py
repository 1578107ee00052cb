"""The call of `MemoryClient` that recalls."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from afterturn.database import pool
from afterturn.database.statement import Row, Statement
from afterturn.errors import MemoryUnavailable, ModelError
from afterturn.hot.pending import Hot
from afterturn.memories import Memory
from afterturn.recall import memory_queries, search
from afterturn.recall.search import Search
from api_shim.connections import Connections
from api_shim.conversation import Conversation, checked_limit

logger = logging.getLogger("afterturn.client")


class RecallCalls(ABC):
    """What one user's memory answers."""

    _conversation: Conversation

    @property
    @abstractmethod
    def _connections(self) -> Connections: ...

    @abstractmethod
    def _hot(self, limit: int) -> Hot: ...

    @abstractmethod
    def _run(self, statement: Statement) -> list[Row]: ...

    def recall(
        self,
        query: str | None = None,
        limit: int = 10,
        *,
        kinds: Iterable[str] | None = None,
        topics: Iterable[str] | None = None,
        session_id: str | None = None,
        agent_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        time: Literal["world", "recorded"] = "world",
        as_of: datetime | None = None,
        min_score: float | None = None,
        include_superseded: bool = False,
        metadata: Mapping[str, Any] | None = None,
        order: Literal["newest", "importance"] | None = None,
        cursor: str | None = None,
        explain: bool = False,
    ) -> list[Memory]:
        """Return the memories that answer `query`, best first; without one, the newest turns, newest first.

        Filters only leave out: fewer memories come back than `limit` where no more pass. With Postgres away, only turns
        that Redis still holds.

        Args:
            query: a question, or what the memories shall be about.
            limit: how many, 1 to 1,000.
            kinds: some of fact, turn and episode. Facts and turns when not given; without a query turns, or facts
                where the order is importance.
            topics: facts with any of these topics.
            session_id: what was said in this conversation; all the user's when not given.
            agent_id: what this agent wrote, and what rests on it.
            since: what was said then or later; with time="recorded", what came to be known then or later.
            until: what was said before, or came to be known before.
            time: which of its two times `since`, `until` and `as_of` mean.
            as_of: what was true then (world), or what was believed then (recorded), rather than now.
            min_score: leave out what has a lower score.
            include_superseded: facts that were replaced too, after all others.
            metadata: turns whose metadata hold this, and what rests on them.
            order: without a query: newest or importance.
            cursor: that of the last memory of the page before; everything else must be the same.
            explain: say in each memory's `score_parts` where its score comes from.

        Raises InvalidInput or MemoryUnavailable.
        """
        wanted = self._conversation.search(
            query,
            {
                "kinds": kinds,
                "topics": topics,
                "session_id": session_id,
                "agent_id": agent_id,
                "since": since,
                "until": until,
                "time": time,
                "as_of": as_of,
                "min_score": min_score,
                "include_superseded": include_superseded,
                "metadata": metadata,
            },
            order=order,
            cursor=cursor,
            explain=explain,
        )
        checked_limit(limit)
        if wanted.is_newest:
            return wanted.page(self._newest(wanted.skipped + limit))
        hot = self._hot(limit)
        try:
            found = self._search(wanted, hot, limit)
        except MemoryUnavailable:
            if not hot.turns:
                raise
            logger.warning("Postgres is away: recall searches only what Redis has")
            return search.search_hot_turns(wanted, self._conversation.session.session_id, hot, limit=limit)
        return self._conversation.shown(found, hot, limit)

    def _newest(self, limit: int) -> list[Memory]:
        hot = self._hot(limit)
        archived: Sequence[Row] = []
        if len(hot.turns) < limit:
            room = limit + len(hot.hidden)
            try:
                archived = self._run(memory_queries.newest_turns(self._conversation.session.user, limit=room))
            except MemoryUnavailable:
                if not hot.turns:
                    raise
        return self._conversation.newest_memories(archived, hot, limit)

    def _search(self, wanted: Search, hot: Hot, limit: int) -> list[Memory]:
        vector = None if wanted.query is None else self._vector(wanted.query)
        space_id = self._connections.question_embedder.space_id
        with pool.user_transaction(self._connections.postgres, self._conversation.session.user) as connection:
            steps = wanted.steps(hot, limit=limit, space_id=space_id, vector=vector)
            asked = next(steps)
            while True:
                answers = _run(connection, asked)
                try:
                    asked = steps.send(answers)
                except StopIteration as end:
                    found: list[Memory] = end.value
                    return found

    def _vector(self, query: str) -> list[float] | None:
        embedder = self._connections.question_embedder
        if embedder.needs_space:
            embedder.use(self._run(Statement(memory_queries.SQL["serving_space"], {})))
        try:
            return embedder.embed(self._conversation.session.user, query)
        except ModelError as error:
            logger.warning("recall goes by words alone: %s", error)
            return None


def _run(connection: pool.Connection, wanted: Sequence[Statement]) -> list[list[Row]]:
    """Send all statements, then read all answers: in pipeline mode, one round trip."""
    cursors = [connection.execute(one.sql, one.arguments, binary=one.is_binary) for one in wanted]
    return [list(cursor.fetchall()) for cursor in cursors]
