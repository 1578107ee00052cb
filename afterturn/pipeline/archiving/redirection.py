"""Turns that are still written for a user who was merged into another one are archived for that one.

The hot path knows nothing of it: a writer with the old id writes as before. The archive reads the aliases in its
transaction. If a merge commits in between, the archive would create the old user again; a trigger refuses that, and the
archive is repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from afterturn.database.pool import Connection
from afterturn.forgetting import merges
from afterturn.hot.entries import Entry
from afterturn.scopes import SessionScope


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirected:
    """Entries by the session in which they are archived."""

    entries: Mapping[SessionScope, Sequence[Entry]]
    #: The session in which they were written -> the one in which they are archived.
    places: Mapping[SessionScope, SessionScope]

    def back(self, found: Mapping[SessionScope, frozenset[str]]) -> dict[SessionScope, frozenset[str]]:
        """Return what was found of archived sessions, by the session in which the entries were written."""
        return {scope: found[place] for scope, place in self.places.items() if place in found}


def redirect(connection: Connection, entries: Mapping[SessionScope, Sequence[Entry]]) -> Redirected:
    """Return the entries by the sessions in which they are to be archived."""
    aliases = merges.read_aliases(connection, {scope.user for scope in entries})
    if not aliases:
        return Redirected(entries=entries, places={scope: scope for scope in entries})
    places = {scope: aliases[scope.user].redirect(scope) if scope.user in aliases else scope for scope in entries}
    by_place: dict[SessionScope, list[Entry]] = {}
    for scope, found in entries.items():
        by_place.setdefault(places[scope], []).extend(found)
    return Redirected(entries=by_place, places=places)
