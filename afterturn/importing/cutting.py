"""Cut imported turns into batches, a few at a time; one while a live batch waits to be extracted.

A batch gets its number in its user's order only when it is cut. So new live turns of the user wait for these few
batches, not for the whole import.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Any

from psycopg_pool import ConnectionPool

from afterturn.batches import cut
from afterturn.batches.cut import Cut, NewBatch, UncutTurn
from afterturn.database import queries, sqlstates
from afterturn.database.pool import Connection
from afterturn.importing import runs
from afterturn.importing.runs import ImportedRun
from afterturn.scopes import UserScope
from afterturn.settings import Settings

logger = logging.getLogger(__name__)

_SQL = queries.load("archive")

#: Imported batches are handed out as if so many batches of their user were open: after those of live turns.
IMPORTED_PLACE = 1_000


def cut_imported_batches(pool: ConnectionPool[Connection], settings: Settings) -> list[NewBatch]:
    """Cut as many batches of imported turns as may be open, and return them.

    If the runs of several sessions cannot be cut in one transaction, each is cut in its own: one that fails waits.
    """
    with pool.connection() as connection, connection.transaction():
        slots = runs.free_batch_slots(connection, settings)
        ready_runs = runs.read_ready_runs(connection, settings, limit=slots) if slots else []
    return _cut_runs(pool, settings, ready_runs, slots)


def _cut_runs(
    pool: ConnectionPool[Connection], settings: Settings, ready_runs: Sequence[ImportedRun], slots: int
) -> list[NewBatch]:
    if not ready_runs:
        return []
    try:
        with pool.connection() as connection, connection.transaction():
            return _cut_locked_runs(connection, settings, ready_runs, slots)
    except Exception as error:
        if sqlstates.is_passing(error):
            raise
        if len(ready_runs) == 1:
            logger.error("imported turns of %s cannot be cut: %s", ready_runs[0].session, sqlstates.describe(error))
            return []
    new_batches: list[NewBatch] = []
    for run in ready_runs:
        new_batches += _cut_runs(pool, settings, [run], slots - len(new_batches))
    return new_batches


def _cut_locked_runs(
    connection: Connection, settings: Settings, ready_runs: Sequence[ImportedRun], slots: int
) -> list[NewBatch]:
    """Cut these runs in the caller's transaction, with a lock on their users."""
    next_user_seq = _lock_users(connection, {run.session.user for run in ready_runs})
    new_batches: list[NewBatch] = []
    for run in ready_runs:
        user, free_slots = run.session.user, slots - len(new_batches)
        if free_slots > 0 and user in next_user_seq:
            run_batches = _cut_run(connection, settings, run, next_user_seq[user], limit=free_slots)
            next_user_seq[user] += len(run_batches)
            new_batches += run_batches
    return new_batches


def _lock_users(connection: Connection, users: Collection[UserScope]) -> dict[UserScope, int]:
    """Lock the users' rows and return the number of each user's next batch."""
    arguments = {"tenants": [user.tenant_id for user in users], "users": [user.user_id for user in users]}
    rows = connection.execute(_SQL["lock_users"], arguments).fetchall()
    return {UserScope(row["tenant_id"], row["user_id"]): row["next_user_seq"] for row in rows}


def _cut_run(
    connection: Connection, settings: Settings, run: ImportedRun, user_seq: int, *, limit: int
) -> list[NewBatch]:
    locked = runs.read_run_again(connection, run, limit=limit * settings.batch_turns)
    if locked is None:
        return []
    run, turns = locked
    cuts = _plan_cuts(run, turns, cut.Limits(turns=settings.batch_turns, tokens=settings.batch_tokens))[:limit]
    if not cuts:
        return []
    rows = [_batch_row(run, planned, seq) for seq, planned in enumerate(cuts, start=user_seq)]
    with connection.cursor() as cursor:
        cursor.executemany(_SQL["add_batch"], rows)
    user = run.session.user
    connection.execute(_SQL["update_user"], user.key | {"next_user_seq": user_seq + len(rows)})
    cut_tokens = sum(planned.tokens for planned in cuts)
    runs.remove_cut_turns(connection, run, cut_through=cuts[-1].last_position, tokens=cut_tokens)
    return [NewBatch(user, row["batch_id"], "extract") for row in rows]


def _plan_cuts(run: ImportedRun, turns: list[UncutTurn], limits: cut.Limits) -> list[Cut]:
    """Return the batches of a run's first turns. The last one may be not full only if the run is complete."""
    return [
        planned
        for planned in cut.plan_cuts(turns, limits)
        if planned.is_full or (run.is_complete and planned.last_position == run.last_position)
    ]


def _batch_row(run: ImportedRun, planned: Cut, user_seq: int) -> dict[str, Any]:
    session = run.session
    return {
        "tenant_id": session.tenant_id,
        "user_id": session.user_id,
        "session_id": session.session_id,
        "batch_id": cut.batch_id(session, user_seq, planned.first_position),
        "user_seq": user_seq,
        "first_position": planned.first_position,
        "last_position": planned.last_position,
        "tokens": planned.tokens,
        "cut_by": "import",
        # The sweep hands it out, after the batches of live turns.
        "place": IMPORTED_PLACE,
        "is_handed_on": False,
    }
