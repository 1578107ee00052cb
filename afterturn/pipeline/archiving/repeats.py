"""Find entries that repeat the id of an archived turn. The row is not changed, and Redis keeps nothing of the entry.

A write detects a repeated id while the turn is pending or recent (`hot/write.lua`). Older turns are only in Postgres,
which no write reads, so the archive detects their repetitions.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from afterturn import turns
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.hot.entries import Entry
from afterturn.pipeline.archiving import locked
from afterturn.scopes import SessionScope
from afterturn.turns import Turn

logger = logging.getLogger(__name__)

_SQL = queries.load("archive")


def find_repeats(
    connection: Connection, taken: Mapping[SessionScope, Sequence[Entry]]
) -> dict[SessionScope, frozenset[str]]:
    """Return the stream ids of the entries whose turn was archived from another entry.

    An entry that is archived a second time, because the process died before it removed the entry from Redis, is not a
    repetition. Entries with other content than the archived turn are logged.

    Args:
        connection: in the archive's transaction, after the turns among the entries were added.
        taken: the entries of each session.
    """
    first: dict[tuple[SessionScope, str], tuple[Entry, Turn]] = {}
    repeats: dict[SessionScope, set[str]] = defaultdict(set)
    for scope, entries in taken.items():
        for entry in entries:
            if entry.turn is not None:
                earlier, earlier_turn = first.setdefault((scope, entry.entry_id), (entry, entry.turn))
                if earlier is not entry:
                    is_same = turns.said_by_turn(entry.turn) == turns.said_by_turn(earlier_turn)
                    _note(repeats, scope, entry, is_same=is_same)
    for row in _read_repeated(connection, {key: entry for key, (entry, _) in first.items()}):
        scope = SessionScope(row["tenant_id"], row["user_id"], row["session_id"])
        entry, turn = first[scope, row["turn_id"]]
        _note(repeats, scope, entry, is_same=turns.is_said_by_row(turn, row))
    return {scope: frozenset(stream_ids) for scope, stream_ids in repeats.items()}


def _note(repeats: dict[SessionScope, set[str]], scope: SessionScope, entry: Entry, *, is_same: bool) -> None:
    repeats[scope].add(entry.stream_id)
    if not is_same:
        logger.warning("%s: the id of turn %s was used before with other content, which stays", scope, entry.entry_id)


def _read_repeated(connection: Connection, entries: Mapping[tuple[SessionScope, str], Entry]) -> list[dict[str, Any]]:
    """Return the archived contents of the turns that were archived from another entry than the given one."""
    if not entries:
        return []
    arguments = locked.named_sessions([scope for scope, _ in entries]) | {
        "turns": [turn_id for _, turn_id in entries],
        "written_at": [entry.written_at_seconds for entry in entries.values()],
    }
    return connection.execute(_SQL["repeated_turns"], arguments).fetchall()
