"""`session_summary` and `profile`: what is always of use."""

from __future__ import annotations

from afterturn.client.effects import Plan, read_rows
from afterturn.client.session import ClientSession
from afterturn.summaries import summary_queries
from afterturn.summaries.summary import Summary


def session_summary(session: ClientSession) -> Plan[Summary | None]:
    """Return the session's summary; None while there is none."""
    rows = yield from read_rows(session.scope.user, summary_queries.summary_statement(session.scope))
    return summary_queries.parse_summary(rows)


def summary(session: ClientSession) -> Plan[str | None]:
    """Return the text of the session's summary; None while there is none."""
    found = yield from session_summary(session)
    return None if found is None else found.text


def profile(session: ClientSession) -> Plan[str | None]:
    """Return the user's profile; None while there is nothing."""
    rows = yield from read_rows(session.scope.user, summary_queries.profile_statement(session.scope.user))
    return rows[0]["text"] if rows else None
