"""`threads`: how the matters of a user developed, each step with the facts that it rests on."""

from __future__ import annotations

from afterturn.client.effects import Plan, read_rows
from afterturn.client.limits import validate_limit
from afterturn.client.plans import hot
from afterturn.client.session import ClientSession
from afterturn.threads import thread_queries
from afterturn.threads.thread import Thread


def threads(session: ClientSession, *, limit: int) -> Plan[list[Thread]]:
    """Return the user's threads, the one that was last said something about first. Raises InvalidInput."""
    validate_limit(limit)
    hidden = yield from hot.read_hidden(session)
    user = session.scope.user
    rows = yield from read_rows(user, thread_queries.threads_statement(user, hidden))
    return thread_queries.parse_threads(rows)[:limit]
