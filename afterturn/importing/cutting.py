"""Cutting: old conversations become batches, a few at a time, while nothing newer is owed.

A batch gets its number in its user's order only now, so that what the user says meanwhile waits behind these few, not
behind the whole import.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from psycopg_pool import ConnectionPool

from afterturn.batches import cut
from afterturn.batches.cut import Cut, NewBatch, UncutTurn
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.importing import waiting
from afterturn.importing.waiting import Run
from afterturn.scopes import UserScope
from afterturn.settings import Settings

_SQL = queries.load("archive")


def cut_waiting(pool: ConnectionPool[Connection], settings: Settings) -> list[NewBatch]:
    """Cut as many batches of imported turns as may be open, and return them."""
    with pool.connection() as connection, connection.transaction():
        room = waiting.room(connection, settings)
        runs = waiting.ready(connection, settings, limit=room) if room else []
        if not runs:
            return []
        next_user_seq = _lock_users(connection, {run.session.user for run in runs})
        new_batches: list[NewBatch] = []
        for run in runs:
            user, left = run.session.user, room - len(new_batches)
            if left and user in next_user_seq:
                cut_now = _cut_run(connection, settings, run, next_user_seq[user], limit=left)
                next_user_seq[user] += len(cut_now)
                new_batches += cut_now
        return new_batches


def _lock_users(connection: Connection, users: Collection[UserScope]) -> dict[UserScope, int]:
    named = {"tenants": [user.tenant_id for user in users], "users": [user.user_id for user in users]}
    rows = connection.execute(_SQL["lock_users"], named).fetchall()
    return {UserScope(row["tenant_id"], row["user_id"]): row["next_user_seq"] for row in rows}


def _cut_run(connection: Connection, settings: Settings, run: Run, user_seq: int, *, limit: int) -> list[NewBatch]:
    found = waiting.reread(connection, run, limit=limit * settings.batch_turns)
    if found is None:
        return []
    run, turns = found
    pieces = _pieces(run, turns, cut.Limits(turns=settings.batch_turns, tokens=settings.batch_tokens))[:limit]
    if not pieces:
        return []
    rows = [_row(run, piece, seq) for seq, piece in enumerate(pieces, start=user_seq)]
    with connection.cursor() as cursor:
        cursor.executemany(_SQL["add_batch"], rows)
    user = run.session.user
    owner = user.key
    connection.execute(_SQL["update_user"], owner | {"next_user_seq": user_seq + len(rows)})
    waiting.shorten(connection, run, cut_through=pieces[-1].last_position, tokens=sum(piece.tokens for piece in pieces))
    return [NewBatch(user, row["batch_id"], "extract") for row in rows]


def _pieces(run: Run, turns: list[UncutTurn], limits: cut.Limits) -> list[Cut]:
    """Return the batches of a run's first turns; a last one that is not full only where nothing will follow it."""
    return [
        piece
        for piece in cut.plan(turns, limits)
        if piece.is_full or (run.is_complete and piece.last_position == run.last_position)
    ]


def _row(run: Run, piece: Cut, user_seq: int) -> dict[str, Any]:
    session = run.session
    return {
        "tenant_id": session.tenant_id,
        "user_id": session.user_id,
        "session_id": session.session_id,
        "batch_id": cut.batch_id(session, user_seq, piece.first_position),
        "user_seq": user_seq,
        "first_position": piece.first_position,
        "last_position": piece.last_position,
        "tokens": piece.tokens,
        "cut_by": "import",
    }
