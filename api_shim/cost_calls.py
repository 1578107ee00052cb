"""The call of `MemoryClient` about what the user's memory costs."""

from __future__ import annotations

from abc import ABC, abstractmethod

from afterturn.database.statement import Row, Statement
from afterturn.llm import costs
from afterturn.llm.costs import CostGrouping, Costs
from api_shim.conversation import Conversation


class CostCalls(ABC):
    """The LLM calls that were made for one user."""

    _conversation: Conversation

    @abstractmethod
    def _run(self, statement: Statement) -> list[Row]: ...

    def costs(self, *, by: CostGrouping = "day", days: int | None = 30) -> list[Costs]:
        """Return what the LLM calls for this user came to.

        Args:
            by: day (the newest first), stage, batch (the costliest first), or user for one sum.
            days: of the last days, in UTC, today included; None for all of them.

        Raises InvalidInput or MemoryUnavailable.
        """
        user = self._conversation.session.user
        return costs.decode_rows(self._run(costs.costs_statement(user.tenant_id, user.user_id, by=by, days=days)))
