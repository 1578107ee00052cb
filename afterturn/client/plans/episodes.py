"""`episodes`: the user's episodes by time, or those that answer a query."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from afterturn.client.effects import Plan, read_rows
from afterturn.client.limits import validate_limit
from afterturn.client.plans import hot, recall
from afterturn.client.session import ClientSession
from afterturn.memories import Episode
from afterturn.recall import episode_list
from afterturn.recall.episode_list import EpisodeFilters


def episodes(
    session: ClientSession,
    query: str | None,
    *,
    session_id: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    cursor: str | None,
) -> Plan[list[Episode]]:
    """Return episodes, the latest first; with a query, the best first. Raises InvalidInput or MemoryUnavailable."""
    filters = episode_list.make_filters(session_id, since, until)
    validate_limit(limit)
    if query is not None:
        return (yield from _read_similar(session, query, filters, limit=limit, cursor=cursor))
    user, hidden = session.scope.user, (yield from hot.read_hidden(session))
    found: list[Episode] = []
    while len(found) < limit:
        asked = limit - len(found)
        statement = episode_list.episodes_statement(user, filters, cursor=cursor, limit=asked)
        read = episode_list.parse_episodes(user, filters, (yield from read_rows(user, statement)))
        found += episode_list.exclude_turns(read, hidden)
        if len(read) < asked:
            break
        cursor = read[-1].cursor
    return found


def _read_similar(
    session: ClientSession, query: str, filters: EpisodeFilters, *, limit: int, cursor: str | None
) -> Plan[list[Episode]]:
    memories = yield from recall.recall(
        session,
        query,
        limit,
        cursor=cursor,
        kinds=("episode",),
        session_id=filters.session_id,
        since=filters.since,
        until=filters.until,
    )
    user = session.scope.user
    statement = episode_list.chosen_episodes_statement(user, [memory.memory_id for memory in memories])
    rows = yield from read_rows(user, statement)
    by_id = {episode.episode_id: episode for episode in episode_list.parse_episodes(user, filters, rows)}
    return [
        replace(by_id[memory.memory_id], score=memory.score, cursor=memory.cursor)
        for memory in memories
        if memory.memory_id in by_id
    ]
