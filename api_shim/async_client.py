"""The asyncio client: the same calls as `MemoryClient`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from redis.exceptions import RedisError

from afterturn.database import pool
from afterturn.database.statement import Row, Statement
from afterturn.errors import FlushTimeout, MemoryUnavailable
from afterturn.hot import scripts
from afterturn.hot.pending import Hot
from afterturn.hot.scripts import Script
from afterturn.recall import memory_queries
from afterturn.settings import Settings
from afterturn.turns import Turn
from api_shim import connections
from api_shim.async_context_calls import AsyncContextCalls
from api_shim.async_cost_calls import AsyncCostCalls
from api_shim.async_recall_calls import AsyncRecallCalls
from api_shim.async_summary_calls import AsyncSummaryCalls
from api_shim.client import FLUSH_POLL_SECONDS
from api_shim.connections import AsyncConnections
from api_shim.conversation import MARKS_AMONG_TURNS, Conversation, as_ours, checked_limit

logger = logging.getLogger("afterturn.client")


class AsyncMemoryClient(AsyncRecallCalls, AsyncSummaryCalls, AsyncContextCalls, AsyncCostCalls):
    """Writes and recalls one user's turns. Making one opens nothing; tasks may share it.

    The calls, their arguments and errors are those of `MemoryClient`. Connections belong to the running event loop;
    `await close_async_connections()` before it ends.
    """

    def __init__(
        self,
        user_id: str,
        session_id: str = "default",
        agent_id: str | None = None,
        *,
        tenant_id: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Name whose memory it is, and of which conversation."""
        self._conversation = Conversation(
            user_id=user_id, session_id=session_id, agent_id=agent_id, tenant_id=tenant_id, settings=settings
        )

    async def write(
        self,
        role: str,
        content: str | None = None,
        *,
        turn_id: str | None = None,
        name: str | None = None,
        occurred_at: datetime | None = None,
        metadata: Mapping[str, Any] | None = None,
        memories_shown: Sequence[str] = (),
    ) -> str:
        """Write one turn, in one round trip to Redis, and return its id. See `MemoryClient.write`."""
        turn = self._conversation.turn(
            role,
            content,
            turn_id=turn_id,
            name=name,
            occurred_at=occurred_at,
            metadata=metadata,
            memories_shown=memories_shown,
        )
        await self._append(self._conversation.write_arguments((turn,)))
        return turn.turn_id

    async def write_many(self, turns: Iterable[Mapping[str, Any]]) -> list[str]:
        """Write up to 1,000 turns in one round trip, all or none. See `MemoryClient.write_many`."""
        written = self._conversation.turns(turns)
        if written:
            await self._append(self._conversation.write_arguments(written))
        return [turn.turn_id for turn in written]

    async def history(self, limit: int = 20) -> list[Turn]:
        """Return the session's last turns, oldest first. See `MemoryClient.history`."""
        checked_limit(limit)
        hot = await self._hot(limit)
        if len(hot.turns) >= limit:
            return hot.turns[-limit:]
        try:
            room = limit + len(hot.hidden)
            archived = await self._run(memory_queries.session_turns(self._conversation.session, limit=room))
        except MemoryUnavailable:
            if not hot.turns:
                raise
            logger.warning("Postgres is away: history holds only what Redis has")
            archived = []
        return self._conversation.united(archived, hot, limit)

    async def remove(self, turn_id: str) -> None:
        """Take back a turn of this session, in one round trip to Redis. See `MemoryClient.remove`."""
        await self._send(scripts.REMOVE, self._conversation.remove_keys, self._conversation.remove_arguments(turn_id))

    async def pop(self) -> Turn | None:
        """Take back the session's newest turn and return it. See `MemoryClient.pop`."""
        newest = await self.history(1)
        if not newest:
            return None
        await self.remove(newest[0].turn_id)
        return newest[0]

    async def flush(self, wait_seconds: float | None = None) -> None:
        """Have what was written so far made into facts now. See `MemoryClient.flush`."""
        await self._append(self._conversation.flush_arguments())
        if wait_seconds is None:
            return
        deadline = time.monotonic() + wait_seconds
        while not await self._is_settled():
            if time.monotonic() > deadline:
                raise FlushTimeout()
            await asyncio.sleep(FLUSH_POLL_SECONDS)

    @property
    def _connections(self) -> AsyncConnections:
        return connections.of_loop(self._conversation.settings)

    async def _append(self, arguments: list[str | bytes | int]) -> None:
        await self._send(scripts.WRITE, self._conversation.write_keys, arguments)

    async def _send(self, script: Script, keys: tuple[str, ...], arguments: list[str | bytes | int]) -> None:
        try:
            pending_bytes = await script.run_async(self._connections.redis, keys, *arguments)
        except RedisError as error:
            raise as_ours(error) from error
        self._conversation.note_pending(pending_bytes)

    async def _hot(self, limit: int) -> Hot:
        """Return what Redis holds: all that is pending, or at least the `limit` newest turns of it."""
        count = limit + MARKS_AMONG_TURNS
        while True:
            rows, recent, hidden = await self._read_hot(count, limit)
            hot = self._conversation.hot(rows, recent, hidden)
            if hot.waiting >= limit or len(rows) < count:
                return hot
            count *= 4

    async def _read_hot(self, count: int, limit: int) -> list[Any]:
        try:
            async with self._connections.redis.pipeline(transaction=True) as pipeline:
                pipeline.xrevrange(self._conversation.pending_key, count=count)
                pipeline.lrange(self._conversation.recent_key, -limit, -1)
                pipeline.hkeys(self._conversation.hidden_key)
                found: list[Any] = await pipeline.execute()
                return found
        except RedisError as error:
            raise as_ours(error) from error

    async def _is_settled(self) -> bool:
        try:
            if await self._connections.redis.exists(self._conversation.pending_key, self._conversation.edit_keys[0]):
                return False
        except RedisError as error:
            raise as_ours(error) from error
        session = self._conversation.session.key
        return bool((await self._run(Statement(memory_queries.SQL["is_settled"], session)))[0]["is_settled"])

    async def _run(self, statement: Statement) -> list[Row]:
        async with pool.async_user_transaction(
            await self._connections.postgres(), self._conversation.session.user
        ) as connection:
            return (await _run(connection, [statement]))[0]


async def _run(connection: pool.AsyncConnection, wanted: Sequence[Statement]) -> list[list[Row]]:
    """Send all statements, then read all answers: in pipeline mode, one round trip."""
    cursors = [await connection.execute(statement.sql, statement.arguments) for statement in wanted]
    return [list(await cursor.fetchall()) for cursor in cursors]
