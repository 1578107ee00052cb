"""Archive the entries of each kind, in one transaction with locks on the users and sessions.

A new kind needs a reader of its payload (`hot/entries.py`), and an archiver here. An archiver must be repeatable: it
gets the same entries again if the process dies before they are removed from Redis.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg.types.json import Jsonb

from afterturn import tokens
from afterturn.batches import cut, thoughts
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.facts import edits
from afterturn.forgetting import removal
from afterturn.hot.entries import STATE, TURN, Entry, Mark
from afterturn.languages import stemming
from afterturn.pipeline.archiving import clears, locked, states
from afterturn.pipeline.archiving.locked import LockedSession
from afterturn.scopes import SessionScope
from afterturn.settings import Settings
from afterturn.turns import Turn

_SQL = queries.load("archive")

#: Correct clocks of hosts differ by less than this. A write that is retried after a timeout is later by a few seconds.
CLOCK_SLACK_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Archiving:
    """The transaction of one archive."""

    connection: Connection
    settings: Settings
    #: The locked sessions. A session without entries whose user was forgotten is missing.
    sessions: Mapping[SessionScope, LockedSession]
    #: The entries of each session, in order.
    taken: Mapping[SessionScope, Sequence[Entry]]
    #: The turns of the entries that are already archived.
    known_turns: frozenset[tuple[SessionScope, str]]

    def of_kind(self, kind: str) -> Iterator[tuple[LockedSession, Entry]]:
        """Yield the entries of one kind, each with its session."""
        for scope, session in self.sessions.items():
            for entry in self.taken[scope]:
                if entry.kind == kind:
                    yield session, entry


def archive(
    connection: Connection,
    settings: Settings,
    sessions: Mapping[SessionScope, LockedSession],
    taken: Mapping[SessionScope, Sequence[Entry]],
) -> None:
    """Archive these entries, kind by kind."""
    archiving = Archiving(
        connection=connection,
        settings=settings,
        sessions=sessions,
        taken=taken,
        known_turns=_known_turns(connection, taken),
    )
    for archive_kind in ARCHIVERS.values():
        archive_kind(archiving)


def _known_turns(
    connection: Connection, taken: Mapping[SessionScope, Sequence[Entry]]
) -> frozenset[tuple[SessionScope, str]]:
    named = [(scope, entry.entry_id) for scope, entries in taken.items() for entry in entries if entry.kind == TURN]
    if not named:
        return frozenset()
    arguments = locked.named_sessions([scope for scope, _ in named]) | {"turns": [turn_id for _, turn_id in named]}
    rows = connection.execute(_SQL["known_turns"], arguments).fetchall()
    return frozenset(
        (SessionScope(row["tenant_id"], row["user_id"], row["session_id"]), row["turn_id"]) for row in rows
    )


def _add_turns(archiving: Archiving) -> None:
    """Give each new turn the next position of its session, and add its row."""
    known = set(archiving.known_turns)
    rows = []
    for session, entry in archiving.of_kind(TURN):
        if (session.scope, entry.entry_id) not in known:
            known.add((session.scope, entry.entry_id))
            rows.append(_place(session, entry))
    if rows:
        with archiving.connection.cursor() as cursor:
            cursor.executemany(_SQL["add_turn"], rows)


def _place(session: LockedSession, entry: Entry) -> dict[str, Any]:
    """Add a turn to the end of its session, and return its row."""
    turn = entry.turn
    assert turn is not None, "the entry is of the kind of turns"
    position, counted = session.next_position, tokens.estimate(turn.content)
    session.next_position += 1
    shown = cut.shown_tokens(turn.role, counted)
    session.added.append(thoughts.new_turn(position, shown, entry.written_at_seconds, turn.content))
    if turn.is_imported:
        session.imported.add(position)
    if session.holds_edits:
        session.answers[position] = json.dumps(edits.answer_from_metadata(turn.metadata), ensure_ascii=False)
    written = {"position": position, "tokens": counted, "written_at": entry.written_at_seconds}
    return session.scope.key | _columns(turn, entry.written_at_seconds) | written


def _trusted_time(turn: Turn, written_at_seconds: float) -> datetime:
    """Return when a turn was said. A time of the writer's clock is used only if it agrees with Redis's clock.

    A turn cannot be said after Redis has stored it. So one clock orders all turns, even if the clocks of their writers
    are wrong.
    """
    seconds = turn.occurred_at.timestamp() - written_at_seconds
    is_off = abs(seconds) > CLOCK_SLACK_SECONDS if turn.is_stamped else seconds > CLOCK_SLACK_SECONDS
    return datetime.fromtimestamp(written_at_seconds, UTC) if is_off else turn.occurred_at


def _columns(turn: Turn, written_at_seconds: float) -> dict[str, Any]:
    return {
        "turn_id": turn.turn_id,
        "role": turn.role,
        "name": turn.name,
        "agent_id": turn.agent_id,
        "content": turn.content,
        "metadata": Jsonb(turn.metadata),
        "memories_shown": list(turn.memories_shown),
        "occurred_at": _trusted_time(turn, written_at_seconds),
    } | asdict(stemming.turn_input(turn.name, turn.content))


def _note_flushes(archiving: Archiving) -> None:
    for session, _ in archiving.of_kind(Mark.FLUSH):
        session.is_flushed = True


def _carry_out_removals(archiving: Archiving) -> None:
    removal.apply_removals(archiving.connection, archiving.taken, archiving.known_turns, archiving.settings)


def _hide_cleared(archiving: Archiving) -> None:
    clears.add_clears(archiving.connection, archiving.sessions, archiving.taken, archiving.known_turns)


#: The archiver of each kind, in the order of the calls: a removal may name a turn of the same archive.
ARCHIVERS: dict[str, Callable[[Archiving], None]] = {
    TURN: _add_turns,
    STATE: lambda archiving: states.add_versions(archiving.connection, archiving.of_kind(STATE)),
    Mark.FLUSH: _note_flushes,
    Mark.REMOVE: _carry_out_removals,
    Mark.CLEAR: _hide_cleared,
}
