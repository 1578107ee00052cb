"""`recall`: the memories that answer a query. Reads Redis, then embeds the query, then reads Postgres."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from afterturn import memories
from afterturn.client.effects import Embed, GetEmbedder, Plan, ReadPostgres, read_rows
from afterturn.client.limits import validate_limit, validate_query
from afterturn.client.plans import cold, hot
from afterturn.client.session import ClientSession
from afterturn.database.statement import Row, Statement
from afterturn.errors import InvalidInput, MemoryUnavailable, ModelError
from afterturn.hot.pending import HotTurns
from afterturn.memories import Memory
from afterturn.recall import filters, memory_queries, search
from afterturn.recall.filters import Filters
from afterturn.recall.neighbours import Neighbours
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
    **filter_arguments: Any,
) -> Plan[list[Memory]]:
    """Return the memories that answer `query`, best first; without a query, the newest turns, newest first.

    Args:
        session: the session of the client; the memories are those of its user.
        query: a question or a topic.
        limit: the largest number of memories, 1 to 1,000.
        order: the order without a query: newest or importance.
        cursor: the cursor of the last memory of the previous page.
        explain: whether to fill each memory's `score_parts`.
        filter_arguments: the arguments of `filters.validate`.

    Turns whose texts are in the cold archive are found as before; a text is read from there only if it is shown. While
    it cannot be read, its turn is left out.

    Raises InvalidInput or MemoryUnavailable.
    """
    requested = _make_search(session, query, order=order, cursor=cursor, explain=explain, **filter_arguments)
    validate_limit(limit)
    if requested.is_newest:
        newest = requested.page((yield from _read_newest_turns(session, requested.skipped + limit)))
        return (yield from cold.fill_memories(session.scope.user, newest))
    found, _ = yield from _find(session, requested, limit)
    return found


def recall_with_neighbours(session: ClientSession, query: str, limit: int) -> Plan[tuple[list[Memory], Neighbours]]:
    """Return the memories that answer `query`, best first, and the turns around those that are turns.

    Args:
        session: the session of the client; the memories are those of its user.
        query: a question or a topic; validated.
        limit: the largest number of memories, 1 to 1,000.

    Raises MemoryUnavailable.
    """
    return (
        yield from _find(session, Search(session.scope, query=query, filters=Filters(), with_neighbours=True), limit)
    )


def _find(session: ClientSession, requested: Search, limit: int) -> Plan[tuple[list[Memory], Neighbours]]:
    """Return the memories that a search finds with Redis and Postgres, and their neighbours, if it asks for them."""
    in_redis = yield from hot.read_turns(session, limit)
    try:
        ranked = yield from _rank_memories(session, requested, in_redis, limit)
    except MemoryUnavailable as error:
        if not in_redis.turns:
            raise
        logger.warning("recall searches only the turns in Redis: %s", error)
        return search.search_hot_turns(requested, session.scope.session_id, in_redis, limit=limit), Neighbours()
    found = memories.exclude_turns(ranked, in_redis.hidden)[:limit]
    filled = yield from cold.fill_memories(session.scope.user, found)
    return filled, requested.neighbours.without(in_redis.hidden)


def _make_search(
    session: ClientSession,
    query: str | None,
    *,
    order: str | None,
    cursor: str | None,
    explain: bool,
    **filter_arguments: Any,
) -> Search:
    """Return the search for these arguments. Raises InvalidInput."""
    validated = filters.validate(**filter_arguments)
    if order not in (None, *filters.ORDERS):
        raise InvalidInput(f"order must be one of {', '.join(filters.ORDERS)}, not {order!r}")
    if query is not None and order is not None:
        raise InvalidInput("order cannot be used with a query: with a query, the best memories come first")
    if query is None and validated.min_score is not None:
        raise InvalidInput("min_score needs a query: without a query there are no scores")
    return Search(
        session.scope,
        query=None if query is None else validate_query(query),
        filters=validated,
        order=order or "newest",
        cursor=cursor,
        explain=explain,
    )


def _read_newest_turns(session: ClientSession, limit: int) -> Plan[list[Memory]]:
    """Return the newest turns, newest first: the session's turns in Redis, then the user's archived turns."""
    in_redis = yield from hot.read_turns(session, limit)
    archived: Sequence[Row] = []
    if len(in_redis.turns) < limit:
        count = limit + len(in_redis.hidden)
        try:
            archived = yield from read_rows(
                session.scope.user, memory_queries.newest_turns(session.scope.user, limit=count)
            )
        except MemoryUnavailable:
            if not in_redis.turns:
                raise
    by_id = {
        turn.turn_id: memory_queries.turn_as_memory(turn, session.scope.session_id, 0.0)
        for turn in reversed(in_redis.turns)
    }
    for row in archived:
        if (row["session_id"], row["turn_id"]) not in in_redis.hidden:
            by_id.setdefault(row["turn_id"], memory_queries.decode_turn_memory(row, 0.0))
    return list(by_id.values())[:limit]


def _rank_memories(session: ClientSession, requested: Search, in_redis: HotTurns, limit: int) -> Plan[list[Memory]]:
    """Return the best memories of Postgres and Redis, best first. Postgres is read in one transaction."""
    embedder = yield from GetEmbedder()
    vector = None if requested.query is None else (yield from embed_query(session, embedder, requested.query))
    steps = requested.steps(
        in_redis,
        limit=limit,
        space_id=embedder.space_id,
        vector=vector,
        meaning_share=embedder.meaning_share,
    )
    return (yield from ReadPostgres(session.scope.user, steps))


def embed_query(session: ClientSession, embedder: QuestionEmbedder, query: str) -> Plan[list[float] | None]:
    """Return the vector of the query, or None if no embedding space is active or the embedder fails."""
    if embedder.needs_space:
        statement = Statement(memory_queries.SQL["active_spaces"], {})
        embedder.use((yield from read_rows(session.scope.user, statement)))
    try:
        return (yield from Embed(embedder, session.scope.user, query))
    except ModelError as error:
        logger.warning("recall searches by words only, without vectors: %s", error)
        return None
