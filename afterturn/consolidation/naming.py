"""What the user is called: which statements say so, and the names by which the user has been known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from afterturn.consolidation import likeness
from afterturn.consolidation.rules import Names
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.extraction.verification import BelievedCandidate, normalise

_SQL = queries.load("facts")

#: Whose what: "Ana's hamster", but not "Ana's full name".
_OWNER = re.compile(r"([^\W\d_]+)'s\b(?!\s+(?:\w+\s+)?name\b)")


def is_the_users(text: str, subject: str | None, value: str | None, said_by: str, names: Names) -> bool:
    """Return whether a statement of the attribute `name` says what the user is called.

    Of somebody whom no name of the user's is known to be, only where no name is known yet or the first one stays, and
    where the statement makes them nobody's sister and nobody's hamster.
    """
    if not value or said_by != "user":
        return False
    if names.subject(subject) == "user":
        return True
    named = normalise(value)
    if normalise(subject or "") != named or likeness.names_relation(text):
        return False
    if any(owner not in named.split() for owner in _OWNER.findall(normalise(text))):
        return False
    return not names.is_any_known or names.subject(named.split()[0]) == "user"


def known(
    connection: Connection,
    owner: Mapping[str, Any],
    display_name: str | None,
    believed: Sequence[BelievedCandidate] = (),
) -> Names:
    """Return all names that the user has had, by the facts there are and by what is believed of a batch."""
    names = Names.of([display_name])
    said = [
        (row["text"], row["subject"], row["value"], row["said_by"])
        for row in connection.execute(_SQL["names"], dict(owner)).fetchall()
    ]
    said += [
        (found.candidate.text, found.candidate.subject, found.candidate.value, found.said_by)
        for found in believed
        if found.candidate.attribute == "name"
    ]
    for text, subject, value, said_by in said:
        if is_the_users(text, subject, value, said_by, names):
            names = names.and_called(value)
    return names


def keep(connection: Connection, owner: Mapping[str, Any]) -> None:
    """Call the user what the newest current fact says; nothing is changed where none does."""
    if (name := _current(connection, owner)) is not None:
        connection.execute(_SQL["set_display_name"], {**owner, "display_name": name})


def restore(connection: Connection, owner: Mapping[str, Any], retracted: Sequence[UUID]) -> None:
    """Call a user whose name was retracted what another current fact says, or nothing."""
    name = _current(connection, owner)
    connection.execute(_SQL["restore_display_name"], {**owner, "display_name": name, "retracted": list(retracted)})


def _current(connection: Connection, owner: Mapping[str, Any]) -> str | None:
    names, current = Names(), None
    for row in connection.execute(_SQL["names"], dict(owner)).fetchall():
        if is_the_users(row["text"], row["subject"], row["value"], row["said_by"], names):
            names = names.and_called(row["value"])
            current = row["value"] if row["is_current"] else current
    return current
