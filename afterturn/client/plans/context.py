"""`context`: messages for a prompt, within a token budget, from the user's memory and the session's recent turns."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import UUID

from afterturn.client.effects import AskProviders, Plan, ReadPostgres, one_round_trip, read_rows
from afterturn.client.limits import validate_query
from afterturn.client.plans import cold, history, hot, recall
from afterturn.client.session import ClientSession
from afterturn.context import assembly, context_queries
from afterturn.context.assembly import ContextInput
from afterturn.context.context import MEMORIES_RECALLED, Context, ContextRequest
from afterturn.context.context_queries import StoredContext
from afterturn.errors import MemoryUnavailable
from afterturn.hot.pending import HotTurns
from afterturn.memories import Memory
from afterturn.recall import memory_queries
from afterturn.threads import thread_queries
from afterturn.threads.thread import Thread

logger = logging.getLogger("afterturn.client")


def context(session: ClientSession, query: str | None, request: ContextRequest) -> Plan[Context]:
    """Return the context. Raises InvalidInput, or MemoryUnavailable if Redis does not answer."""
    query = None if query is None else validate_query(query)
    limit = request.history.turns_read
    in_redis = yield from hot.read_turns(session, limit, since_clear=True)
    stored, recalled, threads = yield from _read_memory(session, query, in_redis, limit)
    turns = yield from cold.fill_turns(session.scope, history.merge_turns(session, stored.turns, in_redis, limit))
    material = ContextInput(
        stored=stored,
        turns=[turn for turn in turns if turn.away is None],
        session_id=session.scope.session_id,
        memories=recalled,
        threads=threads,
        provider_lines=(yield from AskProviders(request.providers)),
    )
    return assembly.assemble(request, material)


def _read_memory(
    session: ClientSession, query: str | None, in_redis: HotTurns, limit: int
) -> Plan[tuple[StoredContext, list[Memory], list[Thread]]]:
    """Return the stored context, the recalled memories and their threads: what was read before Postgres was away."""
    stored, recalled, threads = context_queries.EMPTY_CONTEXT, list[Memory](), list[Thread]()
    try:
        statements = context_queries.stored_context_statements(
            session.scope,
            in_redis.hidden,
            turns=limit,
            pending_said_at=memory_queries.newest_pending(in_redis.turns),
        )
        stored = context_queries.parse_stored_context(
            (yield from ReadPostgres(session.scope.user, one_round_trip(statements)))
        )
        if query is not None:
            recalled = yield from recall.recall(session, query, MEMORIES_RECALLED)
            threads = yield from _read_threads(session, recalled, in_redis)
    except MemoryUnavailable as error:
        logger.warning("Postgres is unavailable: the context contains only what was read before: %s", error)
    return stored, recalled, threads


def _read_threads(session: ClientSession, recalled: Sequence[Memory], in_redis: HotTurns) -> Plan[list[Thread]]:
    """Return the threads that rest on recalled facts. One fact alone is shown as it is."""
    fact_ids = [UUID(memory.memory_id) for memory in recalled if memory.kind == "fact"]
    if len(fact_ids) < 2:
        return []
    user = session.scope.user
    statement = thread_queries.threads_statement(user, in_redis.hidden, resting_on=fact_ids)
    return thread_queries.parse_threads((yield from read_rows(user, statement)))
