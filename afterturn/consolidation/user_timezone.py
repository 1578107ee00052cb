"""The user's timezone: taken from facts with the attribute `timezone`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from afterturn.consolidation.rules import UserNames
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.extraction import timezones

ATTRIBUTE = "timezone"

_SQL = queries.load("facts")


def update_timezone(connection: Connection, owner: Mapping[str, Any]) -> None:
    """Set the user's timezone to the one of a current fact; to UTC if no such fact is current any more.

    A fact that a person entered has priority over an extracted one. Nothing is changed if there was never such a fact.

    Args:
        connection: in the caller's transaction.
        owner: tenant and user, as query arguments.
    """
    facts = [
        row
        for row in connection.execute(_SQL["timezones"], dict(owner)).fetchall()
        if timezones.is_known(row["value"]) and _is_about_user(row["subject"], row["display_name"])
    ]
    if facts:
        current = next((row["value"] for row in facts if row["is_current"]), "UTC")
        connection.execute(_SQL["set_timezone"], {**owner, "timezone": current})


def _is_about_user(subject: str | None, display_name: str | None) -> bool:
    return subject is None or UserNames.from_display_names([display_name]).normalise_subject(subject) == "user"
