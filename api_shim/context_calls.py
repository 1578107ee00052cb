"""The call of `MemoryClient` that puts a prompt's context together."""

from __future__ import annotations

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
from afterturn.context.providers import ContextProvider, read_lines
from afterturn.context.strategies import History, SummaryAndRecent
from afterturn.database import pool
from afterturn.errors import MemoryUnavailable
from afterturn.hot.pending import Hot
from afterturn.memories import Memory
from api_shim.connections import Connections
from api_shim.conversation import Conversation, checked_query

logger = logging.getLogger("afterturn.client")

DEFAULT_SHARES = Shares()
DEFAULT_HISTORY = SummaryAndRecent()


class ContextCalls(ABC):
    """The context of one conversation: messages for a prompt, within a token budget."""

    _conversation: Conversation

    @property
    @abstractmethod
    def _connections(self) -> Connections: ...

    @abstractmethod
    def _hot(self, limit: int) -> Hot: ...

    @abstractmethod
    def recall(self, query: str | None = None, limit: int = 10) -> list[Memory]: ...

    def context(
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
        """Return messages for a prompt: what is remembered, fenced off as data, and the session's recent turns.

        They never take more than `token_budget`. With Postgres away there are only the turns that Redis still holds.

        Args:
            query: what the memories shall be about, usually the user's message; without one there are no relevant ones.
            token_budget: how many tokens the messages may take together, 1 to 10,000,000.
            shares: what each part may take of it.
            history: which of the session's turns are shown: SummaryAndRecent, LastTurns, LastTokens, ImportantOnly.
            providers: outside facts, such as ClockProvider("Europe/Lisbon").
            count_tokens: counts the tokens of a text, such as `lambda text: len(encoding.encode(text))`; an estimate
                when not given.
            role: whose message the memory is: system, or developer.

        Raises InvalidInput, or MemoryUnavailable when Redis does not answer.
        """
        request = ContextRequest(
            token_budget=token_budget,
            shares=shares,
            history=history,
            providers=providers,
            count_tokens=count_tokens,
            role=role,
        )
        query = None if query is None else checked_query(query)
        hot = self._hot(history.turns_read)
        kept, found = self._remembered(query, hot, history.turns_read)
        material = ContextInput(
            stored=kept,
            turns=self._conversation.united(kept.turns, hot, history.turns_read),
            session_id=self._conversation.session.session_id,
            memories=found,
            provider_lines=[read_lines(provider) for provider in providers],
        )
        return assembly.assemble(request, material)

    def _remembered(self, query: str | None, hot: Hot, turns: int) -> tuple[StoredContext, list[Memory]]:
        session, kept, found = self._conversation.session, context_queries.EMPTY_CONTEXT, list[Memory]()
        try:
            with pool.user_transaction(self._connections.postgres, session.user) as connection:
                cursors = [
                    connection.execute(statement.sql, statement.arguments)
                    for statement in context_queries.stored_context_statements(session, hot.hidden, turns=turns)
                ]
                kept = context_queries.parse_stored_context([cursor.fetchall() for cursor in cursors])
            if query is not None:
                found = self.recall(query, MEMORIES_RECALLED)
        except MemoryUnavailable as error:
            logger.warning("Postgres is away: the context holds only what was read before: %s", error)
        return kept, found
