"""Reads a session's pending and recent turns and the ids of removed turns from Redis, and writes to pending streams."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from afterturn.client.effects import Plan, ReadRedis, Send, read_rows
from afterturn.client.session import ClientSession
from afterturn.errors import MemoryUnavailable
from afterturn.hot import keys, pending
from afterturn.hot.pending import HotTurns, Rows
from afterturn.hot.prepared_call import PreparedCall
from afterturn.recall import memory_queries

logger = logging.getLogger("afterturn.client")

#: Entries that are read in addition to the requested number of turns, because some entries are marks.
MARKS_AMONG_TURNS = 16


def read_turns(session: ClientSession, limit: int, *, since_clear: bool = False) -> Plan[HotTurns]:
    """Return the recent turns and the pending ones: all pending turns, or at least the `limit` newest of them.

    With `since_clear`, turns before the last pending mark that clears the session are left out: they are not part of
    its history. A pending turn with the id of an older, archived turn is left out, too: the archived one stays as it
    is, where it is.
    """
    count = limit + MARKS_AMONG_TURNS
    while True:
        rows, recent, hidden = yield from ReadRedis(
            (
                ("XREVRANGE", session.pending_key, "+", "-", "COUNT", count),
                ("LRANGE", session.recent_key, -limit, -1),
                ("HKEYS", session.hidden_key),
            )
        )
        new_rows = yield from _exclude_repeats(session, list(reversed(rows)))
        hot = pending.unite_turns(session.scope.session_id, new_rows, recent, hidden, since_clear=since_clear)
        if hot.waiting >= limit or hot.is_cleared or len(rows) < count:
            return hot
        count *= 4


def _exclude_repeats(session: ClientSession, rows: Rows) -> Plan[Rows]:
    """Return the rows of the pending stream without those that repeat the id of an archived turn.

    Only ids that callers chose can be repeated long after: without such rows, Postgres is not read. If Postgres is
    unavailable, all rows are returned.
    """
    suspects = pending.rows_with_given_ids(rows)
    if not suspects:
        return rows
    statement = memory_queries.archived_turns(session.scope, [turn_id for turn_id, _ in suspects])
    try:
        archived = yield from read_rows(session.scope.user, statement)
    except MemoryUnavailable:
        logger.warning("Postgres is unavailable: an old turn that was written again may be shown as a new one")
        return rows
    written_ms = {row["turn_id"]: row["written_ms"] for row in archived}
    # An entry with the same time is the one that was archived, after Redis was read.
    repeats = {
        stream_id
        for turn_id, stream_id in suspects
        if written_ms.get(turn_id, pending.written_ms(stream_id)) != pending.written_ms(stream_id)
    }
    return [row for row in rows if row[0] not in repeats]


def read_hidden(session: ClientSession) -> Plan[set[tuple[str, str]]]:
    """Return the removed turns that may still be in Postgres, as (session id, turn id)."""
    [names] = yield from ReadRedis((("HKEYS", session.hidden_key),))
    return {keys.hidden_turn(name.decode()) for name in names}


def send(session: ClientSession, call: PreparedCall, arguments: Sequence[bytes]) -> Plan[None]:
    """Call a script that writes to a pending stream. Raises MemoryUnavailable."""
    session.warn_of_backlog((yield from Send(call, arguments)))
