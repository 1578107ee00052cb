"""Imported turns that belong to no batch yet: they wait beside their session, whose newer turns pass them by."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from afterturn.batches.cut import UncutTurn
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.llm import budget
from afterturn.scopes import SessionScope
from afterturn.settings import Settings

_SQL = queries.load("imported")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Consecutive imported turns of one session."""

    session: SessionScope
    first_position: int
    last_position: int
    tokens: int
    #: Nothing was added for a while: what is left does not wait for more.
    is_complete: bool = False

    @property
    def key(self) -> dict[str, Any]:
        """Its row's key, as query arguments."""
        return {
            "tenant_id": self.session.tenant_id,
            "user_id": self.session.user_id,
            "session_id": self.session.session_id,
            "first_position": self.first_position,
        }


def stretches(turns: Iterable[UncutTurn], imported: Collection[int]) -> list[tuple[bool, list[UncutTurn]]]:
    """Split consecutive turns into stretches, and say of each whether it is imported: at positions in `imported`."""
    return [(kind, list(turn)) for kind, turn in groupby(turns, key=lambda turn: turn.position in imported)]


def set_aside(connection: Connection, session: SessionScope, turns: Sequence[UncutTurn]) -> None:
    """Let a stretch of imported turns wait, in the archive's transaction, under the user's lock."""
    run = Run(
        session=session,
        first_position=turns[0].position,
        last_position=turns[-1].position,
        tokens=sum(turn.tokens for turn in turns),
    )
    connection.execute(_SQL["set_aside"], run.key | {"last_position": run.last_position, "tokens": run.tokens})


def room(connection: Connection, settings: Settings) -> int:
    """Return how many imported batches may be cut now: none while something newer waits to be extracted."""
    row = connection.execute(_SQL["window"]).fetchone()
    assert row is not None, "a count is always one row"
    return 0 if row["is_live_owed"] else max(0, settings.max_open_import_batches - row["open_batches"])


def ready(connection: Connection, settings: Settings, *, limit: int) -> list[Run]:
    """Return the oldest runs that have enough for a batch, or are complete.

    Those of users who have used up the part of their day's tokens that is left to imports are not among them.
    """
    daily_tokens = settings.user_daily_tokens
    arguments = {
        "batch_turns": settings.batch_turns,
        "batch_tokens": settings.batch_tokens,
        "idle_seconds": settings.batch_idle_seconds,
        "import_tokens": None if daily_tokens is None else int(daily_tokens * budget.DEGRADED_FROM),
        "limit": limit,
    }
    return [_run(row) for row in connection.execute(_SQL["ready"], arguments).fetchall()]


def reread(connection: Connection, run: Run, *, limit: int) -> tuple[Run, list[UncutTurn]] | None:
    """Return the run as it is under its user's lock, and the first `limit` of its turns; None when it is gone."""
    row = connection.execute(_SQL["run"], run.key).fetchone()
    if row is None:
        return None
    rows = connection.execute(_SQL["turns"], run.key | {"last_position": row["last_position"], "limit": limit})
    turns = [UncutTurn(turn["position"], turn["tokens"]) for turn in rows.fetchall()]
    return _run(row | {"is_complete": run.is_complete}), turns


def shorten(connection: Connection, run: Run, *, cut_through: int, tokens: int) -> None:
    """Take the turns up to a position out of the run; a run of which nothing is left is gone."""
    if cut_through == run.last_position:
        connection.execute(_SQL["drop"], run.key)
    else:
        connection.execute(_SQL["shorten"], run.key | {"cut_through": cut_through, "tokens": tokens})


def _run(row: dict[str, Any]) -> Run:
    return Run(
        session=SessionScope(row["tenant_id"], row["user_id"], row["session_id"]),
        first_position=row["first_position"],
        last_position=row["last_position"],
        tokens=row["tokens"],
        is_complete=row["is_complete"],
    )
