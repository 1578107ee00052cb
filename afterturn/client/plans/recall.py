"""`recall`: the memories that answer a question. Redis first, then the question's vector, then Postgres."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from afterturn import memories
from afterturn.client.effects import Embed, GetEmbedder, Plan, ReadPostgres, read_rows
from afterturn.client.limits import checked_limit, checked_query
from afterturn.client.plans import hot
from afterturn.client.session import ClientSession
from afterturn.database.statement import Row, Statement
from afterturn.errors import InvalidInput, MemoryUnavailable, ModelError
from afterturn.hot.pending import Hot
from afterturn.memories import Memory
from afterturn.recall import filters, memory_queries, search
from afterturn.recall.question_embedder import QuestionEmbedder
from afterturn.recall.search import Search

logger = logging.getLogger("afterturn.client")


def recall(
    session: ClientSession,
    query: str | None,
    limit: int,
    *,
    order: str | None = None,
    cursor: str | None = None,
    explain: bool = False,
    **filtered: Any,
) -> Plan[list[Memory]]:
    """Return the memories that answer `query`, best first; without one, the newest turns, newest first.

    Args:
        session: whose memory.
        query: what the memories shall be about.
        limit: how many, 1 to 1,000.
        order: without a query: newest or importance.
        cursor: that of the last memory of the page before.
        explain: whether each memory says where its score comes from.
        filtered: the arguments of `filters.validate`.

    Raises InvalidInput or MemoryUnavailable.
    """
    wanted = _search(session, query, order=order, cursor=cursor, explain=explain, **filtered)
    checked_limit(limit)
    if wanted.is_newest:
        return wanted.page((yield from _newest(session, wanted.skipped + limit)))
    in_redis = yield from hot.read_turns(session, limit)
    try:
        found = yield from _ranked(session, wanted, in_redis, limit)
    except MemoryUnavailable:
        if not in_redis.turns:
            raise
        logger.warning("Postgres is away: recall searches only what Redis has")
        return search.search_hot_turns(wanted, session.scope.session_id, in_redis, limit=limit)
    return memories.exclude_turns(found, in_redis.hidden)[:limit]


def _search(
    session: ClientSession, query: str | None, *, order: str | None, cursor: str | None, explain: bool, **filtered: Any
) -> Search:
    """Return the checked search. Raises InvalidInput."""
    checked = filters.validate(**filtered)
    if order not in (None, *filters.ORDERS):
        raise InvalidInput(f"order must be one of {', '.join(filters.ORDERS)}, not {order!r}")
    if query is not None and order is not None:
        raise InvalidInput("order is for recall without a query: with one, the best come first")
    if query is None and checked.min_score is not None:
        raise InvalidInput("min_score needs a query: without one, there are no scores")
    return Search(
        session.scope,
        query=None if query is None else checked_query(query),
        filters=checked,
        order=order or "newest",
        cursor=cursor,
        explain=explain,
    )


def _newest(session: ClientSession, limit: int) -> Plan[list[Memory]]:
    """Return the newest turns, newest first: those in Redis, then the user's archived ones."""
    in_redis = yield from hot.read_turns(session, limit)
    archived: Sequence[Row] = []
    if len(in_redis.turns) < limit:
        room = limit + len(in_redis.hidden)
        try:
            archived = yield from read_rows(
                session.scope.user, memory_queries.newest_turns(session.scope.user, limit=room)
            )
        except MemoryUnavailable:
            if not in_redis.turns:
                raise
    found = {
        turn.turn_id: memory_queries.turn_as_memory(turn, session.scope.session_id, 0.0)
        for turn in reversed(in_redis.turns)
    }
    for row in archived:
        if (row["session_id"], row["turn_id"]) not in in_redis.hidden:
            found.setdefault(row["turn_id"], memory_queries.decode_turn_memory(row, 0.0))
    return list(found.values())[:limit]


def _ranked(session: ClientSession, wanted: Search, in_redis: Hot, limit: int) -> Plan[list[Memory]]:
    """Return what Postgres and Redis have together, best first, read in one transaction."""
    embedder = yield from GetEmbedder()
    vector = None if wanted.query is None else (yield from _vector(session, embedder, wanted.query))
    steps = wanted.steps(in_redis, limit=limit, space_id=embedder.space_id, vector=vector)
    return (yield from ReadPostgres(session.scope.user, steps))


def _vector(session: ClientSession, embedder: QuestionEmbedder, query: str) -> Plan[list[float] | None]:
    """Return the question's vector; None where no space serves, or the embedder fails."""
    if embedder.needs_space:
        serving = Statement(memory_queries.SQL["serving_space"], {})
        embedder.use((yield from read_rows(session.scope.user, serving)))
    try:
        return (yield from Embed(embedder, session.scope.user, query))
    except ModelError as error:
        logger.warning("recall goes by words alone: %s", error)
        return None
