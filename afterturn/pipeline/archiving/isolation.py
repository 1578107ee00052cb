"""Archive entries in one transaction. If it fails, archive them in smaller transactions, down to the single entry.

An entry that fails alone, while its session can be archived without it, becomes a dead letter. All others are archived.
An error that the entries did not cause (an outage, a deadlock, a wrong schema) is raised, and the entries stay pending.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import psycopg

from afterturn.batches.cut import NewBatch
from afterturn.database import connect_errors, sqlstates
from afterturn.database.sqlstates import Kind
from afterturn.errors import TransitionRefused
from afterturn.hot.entries import Entry
from afterturn.scopes import SessionScope

logger = logging.getLogger(__name__)

#: Entries by session, in order. A session without entries is only cut.
Entries: TypeAlias = Mapping[SessionScope, Sequence[Entry]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedPart:
    """The committed work of one transaction."""

    entries: Entries
    new_batches: list[NewBatch] = field(default_factory=list)
    #: The removed turns among those that the entries name.
    taken_back: Mapping[SessionScope, frozenset[str]] = field(default_factory=dict)
    #: Stream ids of the entries whose turn was archived from another entry.
    repeated: Mapping[SessionScope, frozenset[str]] = field(default_factory=dict)
    #: The ids of the entries that became dead letters.
    set_aside: frozenset[str] = frozenset()


class Isolation:
    """One archive of some sessions, in as few transactions as their entries allow."""

    def __init__(
        self,
        archive_part: Callable[[Entries], ArchivedPart],
        set_aside: Callable[[SessionScope, Entry, str], None],
    ) -> None:
        """Prepare the archive.

        Args:
            archive_part: archives entries in one transaction.
            set_aside: stores an entry as a dead letter, with the reason.
        """
        self._archive_part = archive_part
        self._set_aside = set_aside
        #: Sessions with entries that stay pending: later entries of these sessions must not be archived before them.
        self.waiting: set[SessionScope] = set()

    def archive(self, entries: Entries) -> Iterator[ArchivedPart]:
        """Archive these entries, and yield each part when it is committed.

        Raises the driver's errors if they are not about the entries, and TransitionRefused.
        """
        left = {scope: found for scope, found in entries.items() if scope not in self.waiting}
        if not left:
            return
        try:
            part = self._archive_part(left)
        except TransitionRefused:
            raise
        except Exception as error:
            if sqlstates.kind_of(error) in (Kind.OUTAGE, Kind.RETRY, Kind.SETUP):
                raise
            yield from self._archive_halves(left, error)
            return
        yield part

    def _archive_halves(self, entries: Entries, error: Exception) -> Iterator[ArchivedPart]:
        halves = _halve(entries)
        if halves:
            logger.warning("%d sessions are archived in halves: %s", len(entries), sqlstates.describe(error))
            for half in halves:
                yield from self.archive(half)
            return
        [(scope, found)] = entries.items()
        if not found or sqlstates.kind_of(error) is Kind.TIMEOUT:
            self._let_wait(scope, error)
            return
        yield from self._archive_without(scope, found[0], error)

    def _archive_without(self, scope: SessionScope, entry: Entry, error: Exception) -> Iterator[ArchivedPart]:
        """Set an entry aside, if its session can be archived without it."""
        yield from self.archive({scope: []})
        if scope in self.waiting:
            return
        code = "not_storable" if sqlstates.kind_of(error) is Kind.DATA else "internal"
        reason = f"{code}: {sqlstates.describe(error)}"
        logger.error("an entry of %s is dead: %s", scope, reason)
        try:
            self._set_aside(scope, entry, reason)
        except psycopg.Error as second:
            if sqlstates.is_passing(second):
                raise
            self._let_wait(scope, second)
            return
        yield ArchivedPart(entries={scope: [entry]}, set_aside=frozenset([entry.entry_id]))

    def _let_wait(self, scope: SessionScope, error: Exception) -> None:
        self.waiting.add(scope)
        fix = (
            connect_errors.public_error(error)
            if sqlstates.kind_of(error) is Kind.TIMEOUT
            else sqlstates.describe(error)
        )
        logger.error("the archive of %s waits: %s", scope, fix)


def _halve(entries: Entries) -> list[Entries]:
    """Return the two halves of the sessions, or of the one session's entries; nothing if there is only one entry."""
    scopes = list(entries)
    if len(scopes) > 1:
        middle = len(scopes) // 2
        return [{scope: entries[scope] for scope in half} for half in (scopes[:middle], scopes[middle:])]
    [(scope, found)] = entries.items()
    if len(found) > 1:
        middle = len(found) // 2
        return [{scope: found[:middle]}, {scope: found[middle:]}]
    return []
