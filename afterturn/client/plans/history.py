"""`history`: the last turns of the session. Redis is read first, then Postgres; turns are merged by id."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from afterturn import ids
from afterturn.client.effects import Plan, read_rows
from afterturn.client.limits import validate_limit
from afterturn.client.plans import cold, hot
from afterturn.client.session import ClientSession
from afterturn.database.statement import Row
from afterturn.errors import InvalidInput, MemoryUnavailable
from afterturn.hot.pending import HotTurns
from afterturn.recall import memory_queries
from afterturn.turns import Turn

#: More turns than may be pending.
ALL_TURNS = 1_000_000

logger = logging.getLogger("afterturn.client")


def history(session: ClientSession, limit: int, before: str | None = None) -> Plan[list[Turn]]:
    """Return the session's last turns since it was cleared, or the last ones before a turn, oldest first.

    Texts in the cold archive are read from there. A turn whose text cannot be read now says why in `away`.

    Raises InvalidInput or MemoryUnavailable.
    """
    validate_limit(limit)
    if before is None:
        turns = yield from _read_last(session, limit)
    else:
        turns = yield from _read_before(session, limit, ids.validate_known_id("before", before))
    return (yield from cold.fill_turns(session.scope, turns))


def _read_last(session: ClientSession, limit: int) -> Plan[list[Turn]]:
    """Return the session's last turns since it was cleared."""
    in_redis = yield from hot.read_turns(session, limit, since_clear=True)
    if len(in_redis.turns) >= limit or in_redis.is_cleared:
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


def find_turn(session: ClientSession, turn_id: str) -> Plan[Turn | None]:
    """Return one turn of the session; None if there is none, or if it is removed. Raises InvalidId, MemoryUnavailable.

    Args:
        session: the session of the turn.
        turn_id: the id of the turn.
    """
    ids.validate_known_id("turn_id", turn_id)
    # Redis first: a turn that is archived between the two reads is found in Postgres.
    in_redis = yield from hot.read_turns(session, ALL_TURNS)
    found = next((turn for turn in in_redis.turns if turn.turn_id == turn_id), None)
    if found is not None or (session.scope.session_id, turn_id) in in_redis.hidden:
        return found
    statement = memory_queries.archived_turn(session.scope, turn_id)
    rows = yield from read_rows(session.scope.user, statement)
    return memory_queries.decode_turn(rows[0]) if rows else None


def _read_before(session: ClientSession, limit: int, before: str) -> Plan[list[Turn]]:
    """Return the last `limit` turns before a turn. Raises InvalidInput if the session has no such turn."""
    # Redis first: a turn that is archived between the two reads is found in Postgres.
    in_redis = yield from hot.read_turns(session, ALL_TURNS, since_clear=True)
    user, count = session.scope.user, limit + len(in_redis.hidden) + 1
    rows = yield from read_rows(user, memory_queries.turns_before(session.scope, before, limit=count))
    if rows and in_redis.is_cleared:
        return []
    if rows:
        return merge_turns(session, rows[1:], replace(in_redis, turns=[]), limit)
    count += session.settings.recent_turns
    archived = yield from read_rows(user, memory_queries.session_turns(session.scope, limit=count))
    merged = merge_turns(session, archived, in_redis, count + len(in_redis.turns))
    names = [turn.turn_id for turn in merged]
    if before not in names:
        raise InvalidInput("before is not the id of a turn of this session")
    return merged[: names.index(before)][-limit:]


def merge_turns(session: ClientSession, archived: Sequence[Row], in_redis: HotTurns, limit: int) -> list[Turn]:
    """Merge rows of `session_turns` (newest first) with the turns in Redis, by id. Return the last `limit` turns."""
    session_id = session.scope.session_id
    if in_redis.is_cleared:
        archived = ()
    visible = [row for row in reversed(archived) if (session_id, row["turn_id"]) not in in_redis.hidden]
    by_id = {row["turn_id"]: memory_queries.decode_turn(row) for row in visible}
    for turn in in_redis.turns:
        by_id.setdefault(turn.turn_id, turn)
    return list(by_id.values())[-limit:]
