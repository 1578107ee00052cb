"""Where the user is in time: the timezone that a fact of the attribute `timezone` names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from afterturn.consolidation.rules import Names
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.extraction import timezones

ATTRIBUTE = "timezone"

_SQL = queries.load("facts")


def keep(connection: Connection, owner: Mapping[str, Any]) -> None:
    """Take the user to be in the timezone that a current fact names; in UTC where none does any more.

    A person's own word counts before what was extracted. Nothing is changed where nothing was ever said of it.
    """
    said = [
        row
        for row in connection.execute(_SQL["timezones"], dict(owner)).fetchall()
        if timezones.is_known(row["value"]) and _is_of_the_user(row["subject"], row["display_name"])
    ]
    if said:
        current = next((row["value"] for row in said if row["is_current"]), "UTC")
        connection.execute(_SQL["set_timezone"], {**owner, "timezone": current})


def _is_of_the_user(subject: str | None, display_name: str | None) -> bool:
    return subject is None or Names.of([display_name]).subject(subject) == "user"
