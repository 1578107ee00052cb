"""The facts about a user as a block of a prompt, without turns: for agents that have the conversation themselves."""

from __future__ import annotations

from afterturn.client.effects import Plan, ReadPostgres, one_round_trip
from afterturn.client.plans import hot, recall
from afterturn.client.session import ClientSession
from afterturn.context import assembly, context_queries
from afterturn.context.assembly import ContextInput
from afterturn.context.budget import Shares
from afterturn.context.context import Context, ContextRequest
from afterturn.context.strategies import LastTurns

#: Facts that are recalled for a block.
FACTS_RECALLED = 24
#: The agent has the conversation, so that neither its turns nor its summary take part of the budget.
_SHARES = Shares(recent=0.0, summary=0.0, relevant=0.6)


def read(session: ClientSession, query: str | None, *, token_budget: int, agent_id: str | None = None) -> Plan[Context]:
    """Return the profile, the pinned facts, and the facts that answer `query`; without one, the most important facts.

    Raises InvalidInput, or MemoryUnavailable if Redis or Postgres does not answer.
    """
    hidden = yield from hot.read_hidden(session)
    statements = context_queries.user_statements(session.scope, hidden)
    rows = yield from ReadPostgres(session.scope.user, one_round_trip(statements))
    order = "importance" if query is None else None
    facts = yield from recall.recall(session, query, FACTS_RECALLED, kinds=("fact",), order=order, agent_id=agent_id)
    return assembly.assemble(
        ContextRequest(token_budget=token_budget, shares=_SHARES, history=LastTurns(0)),
        ContextInput(
            stored=context_queries.parse_user_context(rows),
            session_id=session.scope.session_id,
            question=query or "",
            memories=facts,
        ),
    )
