"""The SQL of a context as data: what to ask, and how to read the answers. Whoever holds a connection runs it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from afterturn.context import lines
from afterturn.context.fence import Line
from afterturn.database import queries
from afterturn.database.statement import Row, Statement
from afterturn.recall import memory_queries as recall_statements
from afterturn.scopes import SessionScope

_SQL = queries.load("context")

#: The most pinned facts, and lines of a profile, that are read.
FACTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What Postgres keeps of a user and a session, whatever the question."""

    zone: ZoneInfo
    pinned: Sequence[Line] = ()
    profile: Sequence[Line] = ()
    summary: Sequence[Line] = ()
    #: Rows of the session's last turns, newest first.
    turns: Sequence[Row] = ()


#: With Postgres away.
NOTHING = Kept(zone=ZoneInfo("UTC"))


def kept(session: SessionScope, hidden: Collection[tuple[str, str]], *, turns: int) -> list[Statement]:
    """Return the statements that read it, for one round trip; without the hidden (session id, turn id)."""
    arguments = session.key | {
        "hidden_sessions": [session_id for session_id, _ in hidden],
        "hidden_turns": [turn_id for _, turn_id in hidden],
        "facts": FACTS,
    }
    named = [Statement(_SQL[name], arguments) for name in ("timezone", "pinned", "profile", "summary")]
    return [*named, recall_statements.session_turns(session, limit=turns + len(hidden))]


def read(answers: Sequence[Sequence[Row]]) -> Kept:
    """Return what the answers to `kept` say."""
    timezones, pinned, profile, summaries, turns = answers
    zone = _zone(timezones[0]["timezone"] if timezones else "UTC")
    return Kept(
        zone=zone,
        pinned=[lines.of_fact(row, zone) for row in pinned],
        profile=[lines.of_fact(row, zone) for row in profile],
        summary=[lines.of_summary(row, zone) for row in summaries],
        turns=turns,
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        # A timezone that this machine does not know may shift a date by a day; it costs no context.
        return ZoneInfo("UTC")
