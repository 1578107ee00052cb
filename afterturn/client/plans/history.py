"""`history`: the last turns of the session. Redis is read first, then Postgres; turns are merged by id."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from afterturn.client.effects import Plan, read_rows
from afterturn.client.limits import validate_limit
from afterturn.client.plans import hot
from afterturn.client.session import ClientSession
from afterturn.database.statement import Row
from afterturn.errors import MemoryUnavailable
from afterturn.hot.pending import HotTurns
from afterturn.recall import memory_queries
from afterturn.turns import Turn

logger = logging.getLogger("afterturn.client")


def history(session: ClientSession, limit: int) -> Plan[list[Turn]]:
    """Return the session's last turns, oldest first. Raises InvalidInput or MemoryUnavailable."""
    validate_limit(limit)
    in_redis = yield from hot.read_turns(session, limit)
    if len(in_redis.turns) >= limit:
        return in_redis.turns[-limit:]
    archived: Sequence[Row] = []
    try:
        count = limit + len(in_redis.hidden)
        archived = yield from read_rows(session.scope.user, memory_queries.session_turns(session.scope, limit=count))
    except MemoryUnavailable as error:
        if not in_redis.turns:
            raise
        logger.warning("Postgres is unavailable: history contains only the turns in Redis: %s", error)
    return merge_turns(session, archived, in_redis, limit)


def merge_turns(session: ClientSession, archived: Sequence[Row], in_redis: HotTurns, limit: int) -> list[Turn]:
    """Merge rows of `session_turns` (newest first) with the turns in Redis, by id. Return the last `limit` turns."""
    session_id = session.scope.session_id
    visible = [row for row in reversed(archived) if (session_id, row["turn_id"]) not in in_redis.hidden]
    by_id = {row["turn_id"]: memory_queries.decode_turn(row) for row in visible}
    for turn in in_redis.turns:
        by_id.setdefault(turn.turn_id, turn)
    return list(by_id.values())[-limit:]
