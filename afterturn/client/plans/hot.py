"""What Redis holds of a session: pending and recent turns, and which turns were taken back."""

from __future__ import annotations

from collections.abc import Sequence

from afterturn.client.effects import Plan, ReadRedis, Send
from afterturn.client.session import ClientSession
from afterturn.hot import keys, pending
from afterturn.hot.pending import Hot
from afterturn.hot.prepared_call import PreparedCall

#: Entries of a pending stream that are read beyond the turns asked for: marks are among them.
MARKS_AMONG_TURNS = 16


def read_turns(session: ClientSession, limit: int) -> Plan[Hot]:
    """Return what Redis holds: all that is pending, or at least the `limit` newest turns of it."""
    count = limit + MARKS_AMONG_TURNS
    while True:
        rows, recent, hidden = yield from ReadRedis(
            (
                ("XREVRANGE", session.pending_key, "+", "-", "COUNT", count),
                ("LRANGE", session.recent_key, -limit, -1),
                ("HKEYS", session.hidden_key),
            )
        )
        hot = pending.newest(session.scope.session_id, list(reversed(rows)), recent, hidden)
        if hot.waiting >= limit or len(rows) < count:
            return hot
        count *= 4


def read_hidden(session: ClientSession) -> Plan[set[tuple[str, str]]]:
    """Return the turns that were taken back and that Postgres may still show, as (session id, turn id)."""
    [names] = yield from ReadRedis((("HKEYS", session.hidden_key),))
    return {keys.hidden_turn(name.decode()) for name in names}


def send(session: ClientSession, call: PreparedCall, arguments: Sequence[bytes]) -> Plan[None]:
    """Call a script that writes to a pending stream. Raises MemoryUnavailable."""
    session.note_pending((yield from Send(call, arguments)))
