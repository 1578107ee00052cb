"""`context`: messages for a prompt, within a token budget, from the user's memory and the session's recent turns."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from afterturn.client.effects import AskProviders, Plan, ReadPostgres, one_round_trip, read_rows
from afterturn.client.limits import validate_query
from afterturn.client.plans import cold, history, hot, recall
from afterturn.client.session import ClientSession
from afterturn.context import assembly, context_queries
from afterturn.context.assembly import ContextInput
from afterturn.context.context import Context, ContextRequest
from afterturn.context.context_queries import StoredContext
from afterturn.errors import MemoryUnavailable
from afterturn.hot.pending import HotTurns
from afterturn.memories import Memory
from afterturn.recall import memory_queries
from afterturn.recall.neighbours import Neighbours
from afterturn.threads import thread_queries
from afterturn.threads.thread import Thread

logger = logging.getLogger("afterturn.client")


def context(session: ClientSession, query: str | None, request: ContextRequest) -> Plan[Context]:
    """Return the context. Raises InvalidInput, or MemoryUnavailable if Redis does not answer."""
    query = None if query is None else validate_query(query)
    limit = request.history.turns_read
    in_redis = yield from hot.read_turns(session, limit, since_clear=True)
    found = yield from _read_memory(session, query, request, in_redis)
    turns = yield from cold.fill_turns(session.scope, history.merge_turns(session, found.stored.turns, in_redis, limit))
    material = ContextInput(
        stored=found.stored,
        turns=[turn for turn in turns if turn.away is None],
        session_id=session.scope.session_id,
        question=query or "",
        memories=found.recalled,
        neighbours=found.neighbours,
        threads=found.threads,
        provider_lines=(yield from AskProviders(request.providers)),
    )
    return assembly.assemble(request, material)


@dataclass(slots=True)
class _Found:
    """What was read of Postgres before it was away."""

    stored: StoredContext = context_queries.EMPTY_CONTEXT
    recalled: list[Memory] = field(default_factory=list)
    neighbours: Neighbours = field(default_factory=Neighbours)
    threads: list[Thread] = field(default_factory=list)


def _read_memory(
    session: ClientSession, query: str | None, request: ContextRequest, in_redis: HotTurns
) -> Plan[_Found]:
    """Return the stored context, the recalled memories with the turns around them, and their threads."""
    found = _Found()
    try:
        statements = context_queries.stored_context_statements(
            session.scope,
            in_redis.hidden,
            turns=request.history.turns_read,
            pending_said_at=memory_queries.newest_pending(in_redis.turns),
        )
        found.stored = context_queries.parse_stored_context(
            (yield from ReadPostgres(session.scope.user, one_round_trip(statements)))
        )
        if query is not None:
            found.recalled, found.neighbours = yield from recall.recall_with_neighbours(
                session, query, request.memories_recalled
            )
            found.threads = yield from _read_threads(session, found.recalled, in_redis)
    except MemoryUnavailable as error:
        logger.warning("Postgres is unavailable: the context contains only what was read before: %s", error)
    return found


def _read_threads(session: ClientSession, recalled: Sequence[Memory], in_redis: HotTurns) -> Plan[list[Thread]]:
    """Return the threads that rest on recalled facts. One fact alone is shown as it is."""
    fact_ids = [UUID(memory.memory_id) for memory in recalled if memory.kind == "fact"]
    if len(fact_ids) < 2:
        return []
    user = session.scope.user
    statement = thread_queries.threads_statement(user, in_redis.hidden, resting_on=fact_ids)
    return thread_queries.parse_threads((yield from read_rows(user, statement)))
