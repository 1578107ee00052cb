"""`flush`: what is pending becomes facts without waiting for a full batch."""

from __future__ import annotations

import time

from afterturn.client.effects import Plan, ReadRedis, Wait, read_rows
from afterturn.client.plans import hot
from afterturn.client.session import ClientSession, arguments
from afterturn.database.statement import Statement
from afterturn.errors import FlushTimeout
from afterturn.hot import entries
from afterturn.hot.entries import Mark
from afterturn.recall import memory_queries

POLL_SECONDS = 0.1


def flush(session: ClientSession, wait_seconds: float | None) -> Plan[None]:
    """Put a mark into the pending stream and, where asked to, wait until all before it is applied."""
    yield from hot.send(session, session.write_call, arguments([entries.encode_mark(Mark.FLUSH)]))
    if wait_seconds is None:
        return
    deadline = time.monotonic() + wait_seconds
    while not (yield from is_settled(session)):
        if time.monotonic() > deadline:
            raise FlushTimeout()
        yield from Wait(POLL_SECONDS)


def is_settled(session: ClientSession) -> Plan[bool]:
    """Return whether nothing of the session, and no edit of the user's, waits for any stage."""
    [is_pending] = yield from ReadRedis((("EXISTS", session.pending_key, session.edits_pending_key),))
    if is_pending:
        return False
    settled = Statement(memory_queries.SQL["is_settled"], session.scope.key)
    [row] = yield from read_rows(session.scope.user, settled)
    return bool(row["is_settled"])
