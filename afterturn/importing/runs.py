"""Runs: consecutive imported turns of one session that belong to no batch yet. Newer turns do not wait for them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from afterturn.batches import thoughts
from afterturn.batches.cut import UncutTurn, shown_tokens
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.llm import budget
from afterturn.scopes import SessionScope
from afterturn.settings import Settings

_SQL = queries.load("imported")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRun:
    """Consecutive imported turns of one session without a batch."""

    session: SessionScope
    first_position: int
    last_position: int
    tokens: int
    #: No turn was added for AFTERTURN_BATCH_IDLE_SECONDS: the last turns become a batch although it is not full.
    is_complete: bool = False

    @property
    def key(self) -> dict[str, Any]:
        """The primary key of its row, as query arguments."""
        return {
            "tenant_id": self.session.tenant_id,
            "user_id": self.session.user_id,
            "session_id": self.session.session_id,
            "first_position": self.first_position,
        }


def split_by_origin(
    turns: Iterable[UncutTurn], imported_positions: Collection[int]
) -> list[tuple[bool, list[UncutTurn]]]:
    """Split consecutive turns into groups that are imported or live.

    Args:
        turns: consecutive turns of one session.
        imported_positions: the positions of the imported ones.

    Returns (whether it is imported, its turns) of each group, in order.
    """
    return [
        (is_imported, list(group))
        for is_imported, group in groupby(turns, key=lambda turn: turn.position in imported_positions)
    ]


def add_to_run(connection: Connection, session: SessionScope, turns: Sequence[UncutTurn]) -> None:
    """Append consecutive imported turns to the run that they continue, or begin a new run.

    Call it in the archive's transaction, under the user's lock.
    """
    run = ImportedRun(
        session=session,
        first_position=turns[0].position,
        last_position=turns[-1].position,
        tokens=sum(turn.tokens for turn in turns),
    )
    connection.execute(_SQL["add_to_run"], run.key | {"last_position": run.last_position, "tokens": run.tokens})


def free_batch_slots(connection: Connection, settings: Settings) -> int:
    """Return how many imported batches may be cut now: while a live batch waits to be extracted, one that is alone.

    It is handed out after live batches, and without it an import would wait for ever beside users who keep writing.
    """
    row = connection.execute(_SQL["open_batches"]).fetchone()
    assert row is not None, "an aggregate always returns one row"
    most = 1 if row["is_live_batch_waiting"] else settings.max_open_import_batches
    return max(0, most - int(row["open_batches"]))


def read_ready_runs(connection: Connection, settings: Settings, *, limit: int) -> list[ImportedRun]:
    """Return the oldest runs that have enough turns for a batch, or are complete.

    Runs of users who have used the part of their daily tokens that imports may use are left out.
    """
    daily_tokens = settings.user_daily_tokens
    arguments = {
        "batch_turns": settings.batch_turns,
        "batch_tokens": settings.batch_tokens,
        "idle_seconds": settings.batch_idle_seconds,
        "import_tokens": None if daily_tokens is None else int(daily_tokens * budget.DEGRADED_FROM),
        "limit": limit,
    }
    return [_parse_run(row) for row in connection.execute(_SQL["ready_runs"], arguments).fetchall()]


def read_run_again(
    connection: Connection, run: ImportedRun, *, limit: int
) -> tuple[ImportedRun, list[UncutTurn]] | None:
    """Return a run as it is under its user's lock, and its first `limit` turns; None if it no longer exists."""
    row = connection.execute(_SQL["run"], run.key).fetchone()
    if row is None:
        return None
    window = {"last_position": row["last_position"], "limit": limit, "characters": thoughts.ENDING_CHARACTERS}
    rows = connection.execute(_SQL["first_turns"], run.key | window).fetchall()
    turns = [
        thoughts.waiting_turn(row["position"], shown_tokens(row["role"], row["tokens"]), 0.0, row["ending"])
        for row in rows
    ]
    return _parse_run(row | {"is_complete": run.is_complete}), turns


def remove_cut_turns(connection: Connection, run: ImportedRun, *, cut_through: int, tokens: int) -> None:
    """Remove the turns that were cut from their run, and delete a run without turns.

    Args:
        connection: in the transaction that cuts.
        run: the run.
        cut_through: position of the last turn that was cut.
        tokens: tokens of the turns that were cut.
    """
    if cut_through == run.last_position:
        connection.execute(_SQL["delete_run"], run.key)
    else:
        connection.execute(_SQL["shorten_run"], run.key | {"cut_through": cut_through, "tokens": tokens})


def _parse_run(row: dict[str, Any]) -> ImportedRun:
    return ImportedRun(
        session=SessionScope(row["tenant_id"], row["user_id"], row["session_id"]),
        first_position=row["first_position"],
        last_position=row["last_position"],
        tokens=row["tokens"],
        is_complete=row["is_complete"],
    )
