"""The call of `AsyncMemoryClient` that puts a prompt's context together."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

from afterturn import tokens
from afterturn.context import assembly, context_queries
from afterturn.context.assembly import ContextInput
from afterturn.context.budget import Shares
from afterturn.context.context import MEMORIES_RECALLED, Context, ContextRequest
from afterturn.context.context_queries import StoredContext
from afterturn.context.counting import TokenCounter
from afterturn.context.providers import ContextProvider, read_lines_async
from afterturn.context.strategies import History
from afterturn.database import pool
from afterturn.errors import MemoryUnavailable
from afterturn.hot.pending import Hot
from afterturn.memories import Memory
from api_shim.connections import AsyncConnections
from api_shim.context_calls import DEFAULT_HISTORY, DEFAULT_SHARES
from api_shim.conversation import Conversation, checked_query

logger = logging.getLogger("afterturn.client")


class AsyncContextCalls(ABC):
    """The context of one conversation: messages for a prompt, within a token budget."""

    _conversation: Conversation

    @property
    @abstractmethod
    def _connections(self) -> AsyncConnections: ...

    @abstractmethod
    async def _hot(self, limit: int) -> Hot: ...

    @abstractmethod
    async def recall(self, query: str | None = None, limit: int = 10) -> list[Memory]: ...

    async def context(
        self,
        query: str | None,
        token_budget: int,
        *,
        shares: Shares = DEFAULT_SHARES,
        history: History = DEFAULT_HISTORY,
        providers: Sequence[ContextProvider] = (),
        count_tokens: TokenCounter = tokens.estimate,
        role: Literal["system", "developer"] = "system",
    ) -> Context:
        """Return messages for a prompt. See `MemoryClient.context`; `lines` of a provider may be a coroutine."""
        request = ContextRequest(
            token_budget=token_budget,
            shares=shares,
            history=history,
            providers=providers,
            count_tokens=count_tokens,
            role=role,
        )
        query = None if query is None else checked_query(query)
        hot = await self._hot(history.turns_read)
        kept, found = await self._remembered(query, hot, history.turns_read)
        material = ContextInput(
            stored=kept,
            turns=self._conversation.united(kept.turns, hot, history.turns_read),
            session_id=self._conversation.session.session_id,
            memories=found,
            provider_lines=await asyncio.gather(*(read_lines_async(provider) for provider in providers)),
        )
        return assembly.assemble(request, material)

    async def _remembered(self, query: str | None, hot: Hot, turns: int) -> tuple[StoredContext, list[Memory]]:
        session, kept, found = self._conversation.session, context_queries.EMPTY_CONTEXT, list[Memory]()
        try:
            async with pool.async_user_transaction(await self._connections.postgres(), session.user) as connection:
                cursors = [
                    await connection.execute(statement.sql, statement.arguments)
                    for statement in context_queries.stored_context_statements(session, hot.hidden, turns=turns)
                ]
                kept = context_queries.parse_stored_context([await cursor.fetchall() for cursor in cursors])
            if query is not None:
                found = await self.recall(query, MEMORIES_RECALLED)
        except MemoryUnavailable as error:
            logger.warning("Postgres is away: the context holds only what was read before: %s", error)
        return kept, found
