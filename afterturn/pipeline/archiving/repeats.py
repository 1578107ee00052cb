"""Entries that repeat the id of an archived turn: the row stays as it is, and Redis keeps nothing of the entry.

A write finds a repeated id while the turn is pending or recent (`hot/write.lua`). Older turns are only in Postgres,
which no write reads; the archive decides about them.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence

from afterturn import turns
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.hot.entries import Entry
from afterturn.pipeline.archiving import locked
from afterturn.scopes import SessionScope

logger = logging.getLogger(__name__)

_SQL = queries.load("archive")


def find_repeats(
    connection: Connection, taken: Mapping[SessionScope, Sequence[Entry]]
) -> dict[SessionScope, frozenset[str]]:
    """Return the stream ids of the entries whose turn was archived from another entry.

    An entry that is archived a second time, because the process died before Redis knew, is none of them. Entries with
    other content than the archived turn are logged.

    Args:
        connection: in the archive's transaction, after the turns among the entries were added.
        taken: the entries of each session.
    """
    by_stream_id = {
        (scope, entry.stream_id): entry for scope, entries in taken.items() for entry in entries if entry.turn
    }
    if not by_stream_id:
        return {}
    entries = list(by_stream_id.values())
    arguments = locked.named_sessions([scope for scope, _ in by_stream_id]) | {
        "turns": [entry.entry_id for entry in entries],
        "stream_ids": [entry.stream_id for entry in entries],
        "written_at": [entry.written_at_seconds for entry in entries],
    }
    repeats: dict[SessionScope, set[str]] = defaultdict(set)
    for row in connection.execute(_SQL["repeated_turns"], arguments).fetchall():
        scope = SessionScope(row["tenant_id"], row["user_id"], row["session_id"])
        repeats[scope].add(row["stream_id"])
        turn = by_stream_id[scope, row["stream_id"]].turn
        if turn is not None and not turns.says_the_same(turn, row):
            logger.warning(
                "%s: the id of turn %s was archived before with other content, which stays", scope, turn.turn_id
            )
    return {scope: frozenset(stream_ids) for scope, stream_ids in repeats.items()}
