"""Archive the marks that clear a session: its history begins after them. No turn and no fact is removed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.hot.entries import Entry, Mark
from afterturn.pipeline.archiving.locked import LockedSession
from afterturn.scopes import SessionScope

_SQL = queries.load("archive")


def add_clears(
    connection: Connection,
    sessions: Mapping[SessionScope, LockedSession],
    taken: Mapping[SessionScope, Sequence[Entry]],
    known_turns: Collection[tuple[SessionScope, str]],
) -> None:
    """Store for each mark among these entries up to which position it hides turns.

    A mark that is archived a second time changes nothing: its row is there, also if it hides no turn.

    Args:
        connection: in the archive's transaction.
        sessions: the locked sessions, after the turns among the entries were added.
        taken: the entries of each session.
        known_turns: the turns among the entries that were archived before this transaction.
    """
    rows = [
        row
        for scope, session in sessions.items()
        if any(entry.kind == Mark.CLEAR for entry in taken[scope])
        for row in _rows(session, taken[scope], {turn_id for known, turn_id in known_turns if known == scope})
    ]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(_SQL["add_clear"], rows)


def _rows(session: LockedSession, entries: Sequence[Entry], known: set[str]) -> list[dict[str, Any]]:
    rows = []
    position = session.next_position - len(session.added) - 1
    for entry in entries:
        if entry.turn is not None and entry.entry_id not in known:
            known.add(entry.entry_id)
            position += 1
        elif entry.kind == Mark.CLEAR:
            rows.append(session.scope.key | {"mark_id": entry.entry_id, "position": position})
    return rows
