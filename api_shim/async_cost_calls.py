"""The same call about costs for asyncio."""

from __future__ import annotations

from abc import ABC, abstractmethod

from afterturn.database.statement import Row, Statement
from afterturn.llm import costs
from afterturn.llm.costs import CostGrouping, Costs
from api_shim.conversation import Conversation


class AsyncCostCalls(ABC):
    """The LLM calls that were made for one user."""

    _conversation: Conversation

    @abstractmethod
    async def _run(self, statement: Statement) -> list[Row]: ...

    async def costs(self, *, by: CostGrouping = "day", days: int | None = 30) -> list[Costs]:
        """Return what the LLM calls for this user came to. See `MemoryClient.costs`."""
        user = self._conversation.session.user
        return costs.decode_rows(await self._run(costs.costs_statement(user.tenant_id, user.user_id, by=by, days=days)))
