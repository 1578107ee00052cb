"""SQL statements that read summaries, profiles and preferences, as data. The client executes them."""

from __future__ import annotations

from collections.abc import Sequence

from afterturn.database import queries
from afterturn.database.statement import Row, Statement
from afterturn.scopes import SessionScope, UserScope
from afterturn.summaries import summary
from afterturn.summaries.summary import Summary

_SQL = queries.load("summaries")


def summary_statement(session: SessionScope) -> Statement:
    """Return the statement that reads a session's summary."""
    return Statement(_SQL["summary"], session.key)


def parse_summary(rows: Sequence[Row]) -> Summary | None:
    """Return the summary in the rows of `summary_statement`; None where there is none."""
    return Summary(statements=summary.statements_from_json(rows[0]["statements"])) if rows else None


def profile_statement(user: UserScope) -> Statement:
    """Return the statement that reads a user's profile."""
    return Statement(_SQL["profile"], user.key)


def preferences_statement(user: UserScope) -> Statement:
    """Return the statement that reads a user's preferences, for `preferences.parse_preferences`."""
    return Statement(_SQL["preferences"], user.key)


def user_name_statement(user: UserScope) -> Statement:
    """Return the statement that reads a user's display name."""
    return Statement(_SQL["user_name"], user.key)
