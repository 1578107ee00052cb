"""Reads a session's pending and recent turns and the ids of removed turns from Redis, and writes to pending streams."""

from __future__ import annotations

from collections.abc import Sequence

from afterturn.client.effects import Plan, ReadRedis, Send
from afterturn.client.session import ClientSession
from afterturn.hot import keys, pending
from afterturn.hot.pending import HotTurns
from afterturn.hot.prepared_call import PreparedCall

#: Entries that are read in addition to the requested number of turns, because some entries are marks.
MARKS_AMONG_TURNS = 16


def read_turns(session: ClientSession, limit: int) -> Plan[HotTurns]:
    """Return the recent turns and the pending ones: all pending turns, or at least the `limit` newest of them."""
    count = limit + MARKS_AMONG_TURNS
    while True:
        rows, recent, hidden = yield from ReadRedis(
            (
                ("XREVRANGE", session.pending_key, "+", "-", "COUNT", count),
                ("LRANGE", session.recent_key, -limit, -1),
                ("HKEYS", session.hidden_key),
            )
        )
        hot = pending.unite_turns(session.scope.session_id, list(reversed(rows)), recent, hidden)
        if hot.waiting >= limit or len(rows) < count:
            return hot
        count *= 4


def read_hidden(session: ClientSession) -> Plan[set[tuple[str, str]]]:
    """Return the removed turns that may still be in Postgres, as (session id, turn id)."""
    [names] = yield from ReadRedis((("HKEYS", session.hidden_key),))
    return {keys.hidden_turn(name.decode()) for name in names}


def send(session: ClientSession, call: PreparedCall, arguments: Sequence[bytes]) -> Plan[None]:
    """Call a script that writes to a pending stream. Raises MemoryUnavailable."""
    session.warn_of_backlog((yield from Send(call, arguments)))
