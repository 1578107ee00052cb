"""`costs`: what the LLM calls for a user came to."""

from __future__ import annotations

from afterturn.client.effects import Plan, read_rows
from afterturn.client.session import ClientSession
from afterturn.llm import costs as llm_costs
from afterturn.llm.costs import CostGrouping, Costs


def costs(session: ClientSession, *, by: CostGrouping, days: int | None) -> Plan[list[Costs]]:
    """Return the user's costs by day, stage or batch, or as one sum. Raises InvalidInput."""
    user = session.scope.user
    return llm_costs.decode_rows(
        (yield from read_rows(user, llm_costs.costs_statement(user.tenant_id, user.user_id, by=by, days=days)))
    )
