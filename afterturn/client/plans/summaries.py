"""`summary`, `session_summary` and `profile`: the stored summaries of a session and of a user."""

from __future__ import annotations

from afterturn.client.effects import Plan, read_rows
from afterturn.client.session import ClientSession
from afterturn.summaries import summary_queries
from afterturn.summaries.summary import Summary


def session_summary(session: ClientSession) -> Plan[Summary | None]:
    """Return the session's summary, or None if there is none yet."""
    rows = yield from read_rows(session.scope.user, summary_queries.summary_statement(session.scope))
    return summary_queries.parse_summary(rows)


def summary(session: ClientSession) -> Plan[str | None]:
    """Return the text of the session's summary, or None if there is none yet."""
    stored = yield from session_summary(session)
    return None if stored is None else stored.text


def profile(session: ClientSession) -> Plan[str | None]:
    """Return the user's profile, or None if there is none yet."""
    rows = yield from read_rows(session.scope.user, summary_queries.profile_statement(session.scope.user))
    return rows[0]["text"] if rows else None
