"""The call of `AsyncMemoryClient` that recalls."""

from __future__ import annotations

import asyncio
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
from api_shim.connections import AsyncConnections
from api_shim.conversation import Conversation, checked_limit

logger = logging.getLogger("afterturn.client")


class AsyncRecallCalls(ABC):
    """What one user's memory answers."""

    _conversation: Conversation

    @property
    @abstractmethod
    def _connections(self) -> AsyncConnections: ...

    @abstractmethod
    async def _hot(self, limit: int) -> Hot: ...

    @abstractmethod
    async def _run(self, statement: Statement) -> list[Row]: ...

    async def recall(
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
        """Return the memories that answer `query`, best first. See `MemoryClient.recall`."""
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
            return wanted.page(await self._newest(wanted.skipped + limit))
        hot = await self._hot(limit)
        try:
            found = await self._search(wanted, hot, limit)
        except MemoryUnavailable:
            if not hot.turns:
                raise
            logger.warning("Postgres is away: recall searches only what Redis has")
            return search.search_hot_turns(wanted, self._conversation.session.session_id, hot, limit=limit)
        return self._conversation.shown(found, hot, limit)

    async def _newest(self, limit: int) -> list[Memory]:
        hot = await self._hot(limit)
        archived: Sequence[Row] = []
        if len(hot.turns) < limit:
            room = limit + len(hot.hidden)
            try:
                archived = await self._run(memory_queries.newest_turns(self._conversation.session.user, limit=room))
            except MemoryUnavailable:
                if not hot.turns:
                    raise
        return self._conversation.newest_memories(archived, hot, limit)

    async def _search(self, wanted: Search, hot: Hot, limit: int) -> list[Memory]:
        vector = None if wanted.query is None else await self._vector(wanted.query)
        space_id = self._connections.question_embedder.space_id
        async with pool.async_user_transaction(
            await self._connections.postgres(), self._conversation.session.user
        ) as connection:
            steps = wanted.steps(hot, limit=limit, space_id=space_id, vector=vector)
            asked = next(steps)
            while True:
                answers = await _run(connection, asked)
                try:
                    asked = steps.send(answers)
                except StopIteration as end:
                    found: list[Memory] = end.value
                    return found

    async def _vector(self, query: str) -> list[float] | None:
        embedder = self._connections.question_embedder
        if embedder.needs_space:
            embedder.use(await self._run(Statement(memory_queries.SQL["serving_space"], {})))
        try:
            # The embedder may compute or call: neither may hold up the event loop.
            return await asyncio.to_thread(embedder.embed, self._conversation.session.user, query)
        except ModelError as error:
            logger.warning("recall goes by words alone: %s", error)
            return None


async def _run(connection: pool.AsyncConnection, wanted: Sequence[Statement]) -> list[list[Row]]:
    """Send all statements, then read all answers: in pipeline mode, one round trip."""
    cursors = [await connection.execute(one.sql, one.arguments, binary=one.is_binary) for one in wanted]
    return [list(await cursor.fetchall()) for cursor in cursors]
