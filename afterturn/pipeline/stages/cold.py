"""Cold: move the texts of a user's old turns from Postgres to the object store, and back.

A move is noted in Postgres before the object is written. The object is written, and read again. Then one transaction
removes the texts from Postgres and marks the object as stored. A process that dies before leaves a noted object, which
the next run deletes; the texts are still in Postgres. A restore writes the texts back and orders the deletion of the
object in one transaction, so that a process that dies leaves an object that the next run deletes.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from afterturn import faults
from afterturn.batches import leases
from afterturn.batches.leases import Lease
from afterturn.cold import deletions, files
from afterturn.cold.object_store import open_store
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import ColdObjectDamaged, ColdUnavailable, StaleLease
from afterturn.forgetting import erasures
from afterturn.hot import keys
from afterturn.pipeline import lease_end
from afterturn.pipeline.runtime import Runtime
from afterturn.scopes import UserScope

logger = logging.getLogger(__name__)

_SQL = queries.load("cold")

#: Turns of one object. More: a history reads more than it shows. Fewer: more objects, which cost per request.
TURNS_PER_OBJECT = 200
#: Bytes of text after which an object is full, whatever the number of its turns.
OBJECT_BYTES = 1_000_000
#: How long one task works on one user. Longer: live batches wait longer for a thread.
TASK_SECONDS = 20.0
DAY_SECONDS = 86_400.0
SHORTEST_LOOK_SECONDS = 60.0
#: While the store is away, no user is handed out for this long.
AWAY_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    """An object of the archive, and what it contains."""

    object_id: UUID
    key: str
    data: bytes
    digest: str
    rows: Sequence[dict[str, Any]]

    @property
    def places(self) -> dict[str, Any]:
        """The turns, as query arguments."""
        return {
            "object_id": self.object_id,
            "sessions": [row["session_id"] for row in self.rows],
            "positions": [row["position"] for row in self.rows],
        }


def cold(runtime: Runtime, scope: UserScope | None) -> int:
    """Move what one user owes, or with no user delete objects that are due. Returns how many turns moved.

    While the store does not answer, nothing is lost: the user's row still says that the move is owed.
    """
    url = runtime.settings.cold_url
    if url is None:
        return 0
    try:
        with runtime.postgres.connection() as connection:
            deletions.carry_out(connection, url)
        if scope is None:
            return 0
        return move_old_turns(
            runtime, scope, age_seconds=runtime.settings.cold_after_days * DAY_SECONDS, seconds=TASK_SECONDS
        )
    except ColdUnavailable as error:
        logger.warning("the old turns of %s wait: %s", scope or "users", error)
        runtime.redis.set(keys.COLD_AWAY, "1", ex=AWAY_SECONDS)
        return 0


def move_old_turns(
    runtime: Runtime,
    scope: UserScope,
    *,
    age_seconds: float,
    seconds: float,
    on_moved: Callable[[int], None] = lambda _: None,
) -> int:
    """Move a user's turns that are older than an age. Returns how many moved; 0 also while another process works.

    Args:
        runtime: of the process.
        scope: the user.
        age_seconds: how long ago a turn was said.
        seconds: after this time the rest is left to the next run.
        on_moved: is called after each object with the number of its turns.

    Raises ColdUnavailable.
    """
    faults.point("cold.before_claim")
    with runtime.postgres.connection() as connection:
        lease = runtime.leases.claim(connection, scope, "cold", "turns")
    if lease is None:
        return 0
    faults.point("cold.after_claim")
    deadline, moved = time.monotonic() + seconds, 0
    with lease_end.released(runtime, lease, f"the old turns of {scope}"):
        _give_up_left_objects(runtime, lease)
        while count := _move_one_object(runtime, lease, age_seconds):
            moved += count
            on_moved(count)
            if time.monotonic() > deadline:
                return moved
        with runtime.postgres.connection() as connection:
            connection.execute(_SQL["postpone"], scope.key | {"seconds": look_seconds(age_seconds)})
    return moved


def look_seconds(age_seconds: float) -> float:
    """Return how long after one look for old turns of a user the next one is: a day, or less for a short age."""
    return min(DAY_SECONDS, max(SHORTEST_LOOK_SECONDS, age_seconds / 90))


def _give_up_left_objects(runtime: Runtime, lease: Lease) -> None:
    """Delete objects that a process noted and left. It may still write one, so they are deleted again later."""
    with runtime.postgres.connection() as connection, connection.transaction():
        connection.execute(_SQL["lock_user"], lease.scope.key)
        leases.fence(connection, lease)
        left = [row["key"] for row in connection.execute(_SQL["give_up"], lease.scope.key).fetchall()]
        if left:
            deletions.order(connection, left, is_in_flight=True)
    if left:
        with runtime.postgres.connection() as connection:
            deletions.carry_out(connection, _url(runtime))


def _move_one_object(runtime: Runtime, lease: Lease, age_seconds: float) -> int:
    """Move some turns into one object, and return how many; 0 if there are none."""
    with runtime.postgres.connection() as connection:
        arguments = {"age_seconds": age_seconds, "limit": TURNS_PER_OBJECT}
        rows = connection.execute(_SQL["movable"], lease.scope.key | arguments).fetchall()
        store = deletions.open_for_writing(connection, _url(runtime))
    if not rows:
        return 0
    made = _make_object(lease.scope, _fitting(rows))
    _note(runtime, lease, made)
    faults.point("cold.object_noted")
    store.put(made.key, made.data)
    # The texts exist nowhere else in a moment: what the store has is compared with what it was given.
    store.get(made.key, digest=made.digest)
    faults.point("cold.object_stored")
    _empty_turns(runtime, lease, made)
    faults.point("cold.after_commit")
    return len(made.rows)


def _fitting(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the first rows, up to the size of an object; one at least."""
    taken: list[dict[str, Any]] = []
    size_bytes = 0
    for row in rows:
        size_bytes += row["content_bytes"]
        if taken and size_bytes > OBJECT_BYTES:
            break
        taken.append(row)
    return taken


def _make_object(scope: UserScope, rows: Sequence[dict[str, Any]]) -> _Object:
    object_id = uuid4()
    data = files.encode({name: value for name, value in row.items() if name != "content_bytes"} for row in rows)
    return _Object(
        object_id=object_id,
        # No ids of people in names: a bucket's logs keep them.
        key=f"{erasures.owner_hash(scope)}/{object_id}.jsonl.gz",
        data=data,
        digest=hashlib.sha256(data).hexdigest(),
        rows=rows,
    )


def _note(runtime: Runtime, lease: Lease, made: _Object) -> None:
    """Note the object before it is written, so that it is never an object that nobody knows."""
    arguments = {
        "object_id": made.object_id,
        "key": made.key,
        "turns": len(made.rows),
        "content_bytes": sum(row["content_bytes"] for row in made.rows),
        "file_bytes": len(made.data),
        "digest": made.digest,
    }
    with runtime.postgres.connection() as connection, connection.transaction():
        # The lock orders this after an erasure, which deletes the lease.
        connection.execute(_SQL["lock_user"], lease.scope.key)
        leases.fence(connection, lease)
        connection.execute(_SQL["note_object"], lease.scope.key | arguments)


def _empty_turns(runtime: Runtime, lease: Lease, made: _Object) -> None:
    """Remove the texts that the object has. Raises StaleLease, after deleting the object, if the lease is lost."""
    try:
        with runtime.postgres.connection() as connection, connection.transaction():
            connection.execute(_SQL["lock_user"], lease.scope.key)
            leases.fence(connection, lease)
            arguments = lease.scope.key | made.places
            emptied = connection.execute(_SQL["empty_turns"], arguments).rowcount
            stored = connection.execute(_SQL["mark_stored"], arguments).rowcount
            if emptied != len(made.rows) or stored != 1:
                raise StaleLease("the turns changed while they were moved; this move was refused")
            faults.point("cold.before_commit")
    except StaleLease:
        # Whoever took the lease over has deleted the row, and perhaps the object, before it was written.
        open_store(_url(runtime)).delete(made.key)
        raise


def restore(
    runtime: Runtime, scope: UserScope, *, on_restored: Callable[[int], None] = lambda _: None
) -> tuple[int, list[str]]:
    """Write all texts of a user back to Postgres. It can be repeated, and continues where it ended.

    Afterwards the user's turns stay in Postgres for AFTERTURN_COLD_AFTER_DAYS.

    Args:
        runtime: of the process.
        scope: the user.
        on_restored: is called after each object with the number of its turns.

    Returns how many turns were restored, and the names of damaged or missing objects. Raises ColdUnavailable.
    """
    with runtime.postgres.connection() as connection:
        found = connection.execute(_SQL["stored_objects"], scope.key).fetchall()
        if found:
            seconds = max(DAY_SECONDS, runtime.settings.cold_after_days * DAY_SECONDS)
            connection.execute(_SQL["postpone"], scope.key | {"seconds": seconds})
    restored, damaged = 0, []
    for row in found:
        try:
            count = _restore_object(runtime, scope, row)
        except ColdObjectDamaged as error:
            logger.warning("%s: %s", error.code, error)
            damaged.append(row["key"])
            continue
        restored += count
        on_restored(count)
    return restored, damaged


def _restore_object(runtime: Runtime, scope: UserScope, row: dict[str, Any]) -> int:
    store = open_store(_url(runtime))
    turns = files.decode(store.get(row["key"], digest=row["digest"]), row["renamed_sessions"])
    faults.point("restore.object_read")
    arguments = scope.key | {
        "object_id": row["object_id"],
        "sessions": [turn.session_id for turn in turns],
        "positions": [turn.position for turn in turns],
        "contents": [turn.content for turn in turns],
    }
    with runtime.postgres.connection() as connection, connection.transaction():
        connection.execute(_SQL["lock_user"], scope.key)
        count = connection.execute(_SQL["refill_turns"], arguments).rowcount
        if _row(connection, "is_needed", arguments)["is_needed"]:
            raise ColdObjectDamaged(f"the object {row['key']} of the cold archive lacks a turn")
        if connection.execute(_SQL["delete_object"], arguments).fetchone() is not None:
            deletions.order(connection, [row["key"]], is_in_flight=False)
        faults.point("restore.before_commit")
    faults.point("restore.after_commit")
    with runtime.postgres.connection() as connection:
        deletions.carry_out(connection, _url(runtime))
    return count


def _url(runtime: Runtime) -> str:
    url = runtime.settings.cold_url
    if url is None:
        raise ColdUnavailable("AFTERTURN_COLD_URL is not set, and the texts of old turns are in the cold archive")
    return url


def _row(connection: Connection, query: str, arguments: dict[str, Any]) -> dict[str, Any]:
    row = connection.execute(_SQL[query], arguments).fetchone()
    assert row is not None, "it selects no rows of a table"
    return row
