"""`context`: messages for a prompt, within a token budget, of what is remembered and the session's recent turns."""

from __future__ import annotations

import logging

from afterturn.client.effects import AskProviders, Plan, ReadPostgres, one_round_trip
from afterturn.client.limits import checked_query
from afterturn.client.plans import history, hot, recall
from afterturn.client.session import ClientSession
from afterturn.context import assembly, context_queries
from afterturn.context.assembly import ContextInput
from afterturn.context.context import MEMORIES_RECALLED, Context, ContextRequest
from afterturn.context.context_queries import StoredContext
from afterturn.errors import MemoryUnavailable
from afterturn.hot.pending import Hot
from afterturn.memories import Memory

logger = logging.getLogger("afterturn.client")


def context(session: ClientSession, query: str | None, request: ContextRequest) -> Plan[Context]:
    """Return the context. Raises InvalidInput, or MemoryUnavailable when Redis does not answer."""
    query = None if query is None else checked_query(query)
    limit = request.history.turns_read
    in_redis = yield from hot.read_turns(session, limit)
    kept, found = yield from _remembered(session, query, in_redis, limit)
    material = ContextInput(
        stored=kept,
        turns=history.united(session, kept.turns, in_redis, limit),
        session_id=session.scope.session_id,
        memories=found,
        provider_lines=(yield from AskProviders(request.providers)),
    )
    return assembly.assemble(request, material)


def _remembered(
    session: ClientSession, query: str | None, in_redis: Hot, limit: int
) -> Plan[tuple[StoredContext, list[Memory]]]:
    """Return what Postgres keeps of user and session, and what is recalled; what was read before it went away."""
    kept, found = context_queries.EMPTY_CONTEXT, list[Memory]()
    try:
        statements = context_queries.stored_context_statements(session.scope, in_redis.hidden, turns=limit)
        kept = context_queries.parse_stored_context(
            (yield from ReadPostgres(session.scope.user, one_round_trip(statements)))
        )
        if query is not None:
            found = yield from recall.recall(session, query, MEMORIES_RECALLED)
    except MemoryUnavailable as error:
        logger.warning("Postgres is away: the context holds only what was read before: %s", error)
    return kept, found
