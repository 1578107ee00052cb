"""`flush`: pending turns are cut and processed without waiting for a full batch."""

from __future__ import annotations

import time

from afterturn.client.effects import Plan, ReadRedis, Wait, read_rows
from afterturn.client.plans import hot
from afterturn.client.session import ClientSession, write_arguments
from afterturn.database.statement import Statement
from afterturn.errors import FlushTimeout
from afterturn.hot import entries
from afterturn.hot.entries import Mark
from afterturn.recall import memory_queries

#: The pause between two checks. Longer: a waiting flush returns later. Shorter: more queries.
POLL_SECONDS = 0.1


def flush(session: ClientSession, wait_seconds: float | None) -> Plan[None]:
    """Write a flush mark to the pending stream. With `wait_seconds`, wait until all turns before it are applied."""
    yield from hot.send(session, session.write_call, write_arguments([entries.encode_mark(Mark.FLUSH)]))
    if wait_seconds is None:
        return
    deadline = time.monotonic() + wait_seconds
    while not (yield from is_settled(session)):
        if time.monotonic() > deadline:
            raise FlushTimeout()
        yield from Wait(POLL_SECONDS)


def is_settled(session: ClientSession) -> Plan[bool]:
    """Return whether no turn of the session and no edit of the user waits for a stage."""
    [is_pending] = yield from ReadRedis((("EXISTS", session.pending_key, session.edits_pending_key),))
    if is_pending:
        return False
    statement = Statement(memory_queries.SQL["is_settled"], session.scope.key)
    [row] = yield from read_rows(session.scope.user, statement)
    return bool(row["is_settled"])
