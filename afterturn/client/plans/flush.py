"""`flush`: pending turns are cut and processed without waiting for a full batch."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from afterturn.client.effects import Plan, ReadRedis, Wait, read_rows
from afterturn.client.plans import hot
from afterturn.client.session import ClientSession, write_arguments
from afterturn.database.statement import Statement
from afterturn.errors import FlushFailed, FlushTimeout
from afterturn.hot import entries
from afterturn.hot.entries import Mark
from afterturn.recall import memory_queries

#: The pause between two checks. Longer: a waiting flush returns later. Shorter: more queries.
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class _State:
    """How far the turns of a session have come."""

    #: Whether none of them waits for a stage.
    is_settled: bool
    #: Why a batch of them is dead; None if none is.
    dead_reason: str | None = None
    #: Why a batch of them waits, if an endpoint refused it.
    waiting_reason: str | None = None
    #: When Postgres was asked, by its clock; None if it was not.
    asked_at: datetime | None = None


def flush(session: ClientSession, wait_seconds: float | None) -> Plan[None]:
    """Write a flush mark to the pending stream. With `wait_seconds`, wait until all turns before it are applied.

    Raises FlushFailed if a batch of them is dead, or FlushTimeout.
    """
    yield from hot.send(session, session.write_call, write_arguments([entries.encode_mark(Mark.FLUSH)]))
    if wait_seconds is None:
        return
    deadline = time.monotonic() + wait_seconds
    since = None
    while not (state := (yield from _read_state(session, since))).is_settled:
        since = since or state.asked_at
        if time.monotonic() > deadline:
            break
        yield from Wait(POLL_SECONDS)
    if state.dead_reason is not None:
        raise FlushFailed(
            f"the turns are stored, but a batch of them is dead ({state.dead_reason}); after the cause is fixed, "
            "`afterturn dead replay` processes it again"
        )
    if not state.is_settled:
        raise FlushTimeout(state.waiting_reason and f"the turns are stored, but they wait: {state.waiting_reason}")


def is_settled(session: ClientSession) -> Plan[bool]:
    """Return whether no turn of the session and no edit of the user waits for a stage."""
    return (yield from _read_state(session, None)).is_settled


def _read_state(session: ClientSession, since: datetime | None) -> Plan[_State]:
    """Read the state; batches that died since a moment are among the dead ones."""
    [is_pending] = yield from ReadRedis((("EXISTS", session.pending_key, session.edits_pending_key),))
    if is_pending:
        return _State(is_settled=False)
    statement = Statement(memory_queries.SQL["is_settled"], session.scope.key | {"since": since})
    [row] = yield from read_rows(session.scope.user, statement)
    return _State(**row)
