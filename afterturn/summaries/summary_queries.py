"""What the door reads of summaries, profiles and preferences, as data: whoever holds a connection runs it."""

from __future__ import annotations

from collections.abc import Sequence

from afterturn.database import queries
from afterturn.database.statement import Row, Statement
from afterturn.scopes import SessionScope, UserScope
from afterturn.summaries import summary
from afterturn.summaries.summary import Summary

_SQL = queries.load("summaries")


def session_summary(session: SessionScope) -> Statement:
    """Return the statement for a session's summary."""
    key = session.key
    return Statement(_SQL["summary"], key)


def summary_of(rows: Sequence[Row]) -> Summary | None:
    """Return the summary of its rows; None where there is none."""
    return Summary(statements=summary.from_json(rows[0]["statements"])) if rows else None


def profile(user: UserScope) -> Statement:
    """Return the statement for a user's profile."""
    return Statement(_SQL["profile"], user.key)


def preferences(user: UserScope) -> Statement:
    """Return the statement for the facts that are a user's preferences, for `preferences.of_rows`."""
    return Statement(_SQL["preferences"], user.key)


def user_name(user: UserScope) -> Statement:
    """Return the statement for how a user is called."""
    return Statement(_SQL["user_name"], user.key)
