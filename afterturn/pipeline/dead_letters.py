"""Replay and discard dead letters: batches, entries not archived, texts not embedded, failed summaries and sleeps.

Each replay and discard is audited. `watching/dead.py` reads them.

A replayed batch gets a new number in its user's order, as if it had just been cut. Which of its facts and those of
batches applied since are newer depends on the times of the turns. The batch keeps its id, and so the ids of its facts.
Usable stored answers are used; the others are deleted, and the LLM is called again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import redis
from psycopg.types.json import Jsonb

from afterturn.batches import batch_row, failed_work
from afterturn.batches.batch_row import Batch
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.embedding import missing_vectors
from afterturn.errors import AnswerMalformed, InvalidInput
from afterturn.extraction import answer, stored_answers
from afterturn.pipeline import dead_entries
from afterturn.scopes import UserScope

_SQL = queries.load("dead")


#: The ids of batches, dead entries and missing vectors, by user.
Targets = dict[UserScope, list[UUID]]


def named(connection: Connection, batch_ids: Sequence[UUID]) -> Targets:
    """Return the users of these dead letters. Raises InvalidInput if one does not exist; none is changed then."""
    targets: Targets = defaultdict(list)
    for row in connection.execute(_SQL["named"], {"batch_ids": list(batch_ids)}).fetchall():
        targets[UserScope(row["tenant_id"], row["user_id"])].append(row["batch_id"])
    if unknown := set(batch_ids) - {batch_id for ids in targets.values() for batch_id in ids}:
        raise unknown_batches(unknown)
    return targets


def named_in_tenant(connection: Connection, tenant_id: str, dead_ids: Sequence[UUID]) -> Targets:
    """Return the users of those of these dead letters that belong to a tenant. Those of others do not exist for it."""
    targets: Targets = defaultdict(list)
    for row in connection.execute(_SQL["named"], {"batch_ids": list(dead_ids)}).fetchall():
        if row["tenant_id"] == tenant_id:
            targets[UserScope(row["tenant_id"], row["user_id"])].append(row["batch_id"])
    return targets


def unknown_batches(batch_ids: Collection[UUID]) -> InvalidInput:
    """Return the error for batches that do not exist."""
    return InvalidInput(f"no such batch: {', '.join(sorted(map(str, batch_ids)))}")


def replay(connection: Connection, targets: Targets, *, actor: str, client: redis.Redis) -> int:
    """Replay dead letters in their old order, each user in one transaction. Returns how many.

    Those that are not dead (any more) are not changed. The sweep enqueues the replayed ones within a second or so.

    Args:
        connection: a connection with the worker role.
        targets: the dead letters to replay.
        actor: the operator, for the audit log.
        client: the hot store, into which dead entries are written back.
    """
    return sum(_replay_user(connection, client, scope, dead_ids, actor) for scope, dead_ids in targets.items())


def _replay_user(
    connection: Connection, client: redis.Redis, scope: UserScope, batch_ids: Sequence[UUID], actor: str
) -> int:
    owner = scope.key
    with connection.transaction():
        user = connection.execute(_SQL["lock_user"], owner).fetchone()
        if user is None:
            return 0
        rows = connection.execute(_SQL["lock_dead"], owner | {"batch_ids": list(batch_ids)}).fetchall()
        for user_seq, row in enumerate(rows, start=user["next_user_seq"]):
            _replay_batch(connection, row, user_seq, actor)
        next_user_seq = user["next_user_seq"] + len(rows)
        connection.execute(_SQL["update_user"], owner | {"next_user_seq": next_user_seq})
        items = dead_entries.replay(connection, client, scope, batch_ids)
        items += missing_vectors.replay(connection, scope, batch_ids)
        items += failed_work.replay(connection, scope, batch_ids)
        _audit_items(connection, scope, items, "replay", actor)
        return len(rows) + len(items)


def _replay_batch(connection: Connection, row: dict[str, Any], user_seq: int, actor: str) -> None:
    batch = batch_row.from_row(row)
    # The answer of an edit came with its turn: no model can be asked for another one.
    is_manual = batch.kind == "manual"
    dropped = 0 if is_manual else _drop_unusable_answers(connection, batch)
    state = "extracted" if is_manual or _has_usable_answer(connection, batch) else "pending"
    connection.execute(_SQL["replay"], batch.key | {"state": state, "user_seq": user_seq})
    details = {
        "reason": row["reason"],
        "attempts": row["attempts"],
        "user_seq": row["user_seq"],
        "new_user_seq": user_seq,
        "new_state": state,
        "answers_dropped": dropped,
    }
    _audit(connection, batch.key, "replay", details, actor)


def _drop_unusable_answers(connection: Connection, batch: Batch) -> int:
    unusable = [
        row for row in connection.execute(_SQL["answers"], batch.key).fetchall() if not _is_answer(row["answer"])
    ]
    for row in unusable:
        connection.execute(_SQL["delete_answer"], batch.key | row)
    return len(unusable)


def _is_answer(text: str) -> bool:
    try:
        answer.parse(text)
    except AnswerMalformed:
        return False
    return True


def _has_usable_answer(connection: Connection, batch: Batch) -> bool:
    """Whether the last answer before its death is complete: then it is used, even if the model has changed since."""
    if batch.prompt_version is None or batch.model is None:
        return False
    stored = stored_answers.read_answers(connection, batch, prompt_versions=(batch.prompt_version,), model=batch.model)
    try:
        stored_answers.combine_answers(batch, stored)
    except AnswerMalformed:
        return False
    return True


def discard(connection: Connection, targets: Targets, *, actor: str) -> int:
    """Discard dead letters: they stay dead and are no longer counted. Returns their number.

    Those that are not dead, or already discarded, are not changed. A discarded one can still be replayed by its id.
    """
    return sum(_discard_user(connection, scope, batch_ids, actor) for scope, batch_ids in targets.items())


def _discard_user(connection: Connection, scope: UserScope, batch_ids: Sequence[UUID], actor: str) -> int:
    owner = scope.key
    with connection.transaction():
        connection.execute(_SQL["lock_user"], owner)
        rows = connection.execute(_SQL["discard"], owner | {"batch_ids": list(batch_ids)}).fetchall()
        for row in rows:
            details = {"reason": row["reason"], "user_seq": row["user_seq"]}
            _audit(connection, batch_row.key_of(scope, row["batch_id"]), "discard", details, actor)
        items = dead_entries.discard(connection, scope, batch_ids)
        items += missing_vectors.discard(connection, scope, batch_ids)
        items += failed_work.discard(connection, scope, batch_ids)
        _audit_items(connection, scope, items, "discard", actor)
        return len(rows) + len(items)


def _audit_items(
    connection: Connection, scope: UserScope, rows: Sequence[dict[str, Any]], action: str, actor: str
) -> None:
    for row in rows:
        details = {"dead_id": str(row["dead_id"]), "reason": row["reason"]}
        _audit(connection, scope.key | {"batch_id": None}, action, details, actor)


def _audit(connection: Connection, key: dict[str, Any], action: str, details: dict[str, Any], actor: str) -> None:
    connection.execute(_SQL["audit"], key | {"action": action, "details": Jsonb(details), "actor": actor})
