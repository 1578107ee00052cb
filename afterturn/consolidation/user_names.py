"""The user's names: which statements say what the user is called, and all names that the user has had."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from afterturn.consolidation import text_comparison
from afterturn.consolidation.rules import UserNames
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.extraction.verification import VerifiedCandidate, normalise

_SQL = queries.load("facts")

#: The owner in a possessive: "Ana" in "Ana's hamster", but not in "Ana's full name".
_OWNER = re.compile(r"([^\W\d_]+)'s\b(?!\s+(?:\w+\s+)?name\b)")


def states_user_name(text: str, subject: str | None, value: str | None, said_by: str, names: UserNames) -> bool:
    """Return whether a statement with the attribute `name` says what the user is called.

    If its subject is not a known name of the user, it does so only if no name is known yet or the first name is known,
    and if it does not say that the subject is somebody's relative, friend or pet ("Ana's sister", "Ana's hamster").

    Args:
        text: the statement.
        subject: its subject.
        value: its value: the name.
        said_by: user, assistant or other.
        names: the names that are known so far.
    """
    if not value or said_by != "user":
        return False
    if names.normalise_subject(subject) == "user":
        return True
    name = normalise(value)
    if normalise(subject or "") != name or text_comparison.names_a_relation(text):
        return False
    if any(owner not in name.split() for owner in _OWNER.findall(normalise(text))):
        return False
    return not names.is_known or names.normalise_subject(name.split()[0]) == "user"


def read_user_names(connection: Connection, owner: Mapping[str, Any], display_name: str | None) -> UserNames:
    """Return all names that the user has had.

    Args:
        connection: to read the user's facts with.
        owner: tenant and user, as query arguments.
        display_name: the name in the user's row.
    """
    return find_user_names(connection.execute(_SQL["names"], dict(owner)).fetchall(), display_name)


def find_user_names(
    rows: Sequence[Mapping[str, Any]], display_name: str | None, candidates: Sequence[VerifiedCandidate] = ()
) -> UserNames:
    """Return all names in the user's facts, and in the candidates of a batch.

    Args:
        rows: text, subject, value and said_by of the facts with the attribute `name`, in the order of their times.
        display_name: the name in the user's row.
        candidates: those of the batch.
    """
    names = UserNames.from_display_names([display_name])
    statements = [(row["text"], row["subject"], row["value"], row["said_by"]) for row in rows]
    statements += [
        (candidate.content.text, candidate.content.subject, candidate.content.value, candidate.said_by)
        for candidate in candidates
        if candidate.content.attribute == "name"
    ]
    for text, subject, value, said_by in statements:
        if states_user_name(text, subject, value, said_by, names):
            names = names.with_name(value)
    return names


def update_display_name(connection: Connection, owner: Mapping[str, Any]) -> None:
    """Set the user's display name from the newest current fact. Nothing is changed if no fact states it."""
    if (name := _read_current_name(connection, owner)) is not None:
        connection.execute(_SQL["set_display_name"], {**owner, "display_name": name})


def restore_display_name(connection: Connection, owner: Mapping[str, Any], retracted: Sequence[UUID]) -> None:
    """Replace a display name that comes from a retracted fact by the one of another current fact, or by none."""
    name = _read_current_name(connection, owner)
    connection.execute(_SQL["restore_display_name"], {**owner, "display_name": name, "retracted": list(retracted)})


def _read_current_name(connection: Connection, owner: Mapping[str, Any]) -> str | None:
    names, current = UserNames(), None
    for row in connection.execute(_SQL["names"], dict(owner)).fetchall():
        if states_user_name(row["text"], row["subject"], row["value"], row["said_by"], names):
            names = names.with_name(row["value"])
            current = row["value"] if row["is_current"] else current
    return current
