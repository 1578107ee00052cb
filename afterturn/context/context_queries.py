"""SQL statements that read what a context needs from Postgres, as data, and the parsing of their rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from afterturn.context import lines
from afterturn.context.memory_block import MemoryLine
from afterturn.database import queries
from afterturn.database.statement import Row, Statement
from afterturn.recall import memory_queries as recall_statements
from afterturn.scopes import SessionScope

_SQL = queries.load("context")

#: The largest number of pinned facts, and of profile lines, that is read.
FACTS_LIMIT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredContext:
    """The part of a context that does not depend on the question, from Postgres."""

    #: The user's timezone.
    zone: ZoneInfo
    pinned: Sequence[MemoryLine] = ()
    profile: Sequence[MemoryLine] = ()
    summary: Sequence[MemoryLine] = ()
    #: Rows of the session's last turns, newest first.
    turns: Sequence[Row] = ()


#: Used while Postgres is unreachable.
EMPTY_CONTEXT = StoredContext(zone=ZoneInfo("UTC"))


def stored_context_statements(
    session: SessionScope,
    hidden: Collection[tuple[str, str]],
    *,
    turns: int,
    pending_said_at: datetime | None = None,
) -> list[Statement]:
    """Return the statements that read a StoredContext, for one round trip.

    Args:
        session: the session whose summary and turns are read.
        hidden: (session id, turn id) of turns to leave out: they are removed, but not yet in Postgres.
        turns: number of turns to read, besides the hidden ones.
        pending_said_at: when the newest turn was said that is not archived; None without one.
    """
    return [
        *user_statements(session, hidden, pending_said_at),
        Statement(_SQL["summary"], _arguments(session, hidden)),
        recall_statements.session_turns(session, limit=turns + len(hidden)),
    ]


def user_statements(
    session: SessionScope, hidden: Collection[tuple[str, str]], pending_said_at: datetime | None = None
) -> list[Statement]:
    """Return the statements that read the part of a StoredContext that does not depend on the session."""
    arguments = _arguments(session, hidden) | {"pending_said_at": pending_said_at}
    return [Statement(_SQL[name], arguments) for name in ("timezone", "pinned", "profile")]


def _arguments(session: SessionScope, hidden: Collection[tuple[str, str]]) -> dict[str, Any]:
    return session.key | {
        "hidden_sessions": [session_id for session_id, _ in hidden],
        "hidden_turns": [turn_id for _, turn_id in hidden],
        "facts_limit": FACTS_LIMIT,
    }


def parse_stored_context(results: Sequence[Sequence[Row]]) -> StoredContext:
    """Return the StoredContext in the rows of `stored_context_statements`."""
    *of_user, summaries, turns = results
    stored = parse_user_context(of_user)
    return replace(stored, summary=[lines.summary_line(row, stored.zone) for row in summaries], turns=turns)


def parse_user_context(results: Sequence[Sequence[Row]]) -> StoredContext:
    """Return the StoredContext in the rows of `user_statements`: it has neither summary nor turns."""
    timezones, pinned, profile = results
    zone = _load_zone(timezones[0]["timezone"] if timezones else "UTC")
    return StoredContext(
        zone=zone,
        pinned=lines.fact_lines(pinned, zone),
        profile=lines.fact_lines(profile, zone, before=pinned),
    )


def _load_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        # This machine does not know the timezone: dates in the lines may be wrong by a day, the context is still built.
        return ZoneInfo("UTC")
