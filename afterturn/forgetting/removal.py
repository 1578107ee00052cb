"""Undo: remove a turn, and everything that rests on it alone.

A removal is a mark in the pending stream. The archive stage applies it in its transaction, under the row locks of the
user and the session. A batch that is not applied starts again without the turn. Of an applied batch, the facts that
rest on the turn alone are retracted. The turn's row stays, hidden from readers, because it keeps its position, and its
id cannot be written a second time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from afterturn import ids
from afterturn.batches import batch_row
from afterturn.batches.batch_row import Batch
from afterturn.consolidation import retraction
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.embedding import items, missing_vectors
from afterturn.errors import AnswerMalformed
from afterturn.extraction import candidate_rows, stored_answers
from afterturn.extraction.extractor import CONTEXT_TURNS
from afterturn.hot.entries import Entry
from afterturn.recall.vector_index import building
from afterturn.scopes import SessionScope
from afterturn.settings import Settings
from afterturn.summaries import digests, episodes, profile

_SQL = queries.load("removal")


def apply_removals(
    connection: Connection,
    taken: Mapping[SessionScope, Sequence[Entry]],
    archived_before: Collection[tuple[SessionScope, str]],
    settings: Settings,
) -> None:
    """Apply the removals among these entries, in order.

    Args:
        connection: in the archive's transaction, after the turns among the entries were inserted.
        taken: the entries of each session.
        archived_before: the turns among the entries that were archived before this transaction.
        settings: the limits of summaries and profiles.
    """
    for session, entries in taken.items():
        named = {entry.entry_id for entry in entries if entry.turn is not None}
        passed = {turn_id for turn_id in named if (session, turn_id) in archived_before}
        for entry in entries:
            target = entry.target_turn_id
            if entry.turn is not None:
                passed.add(entry.entry_id)
            elif target is not None and (target in passed or target not in named):
                # A removal does not affect a turn that is first written after it.
                remove_turn(connection, session, target, settings)


def remove_turn(connection: Connection, session: SessionScope, turn_id: str, settings: Settings) -> None:
    """Remove one archived turn, in the archive's transaction, under the row locks of the user and the session.

    Delete a turn that could not be archived. Do nothing if there is no such turn, or if it is already removed.
    """
    key = session.key
    connection.execute(_SQL["delete_dead_entry"], key | {"turn_id": turn_id})
    row = connection.execute(_SQL["remove_turn"], key | {"turn_id": turn_id}).fetchone()
    if row is None:
        return
    position: int = row["position"]
    for batch in _seize_batches(connection, session, position):
        if batch.first_position <= position < batch.last_position:
            # The vector of the next turn was made of this turn too.
            missing_vectors.owe_turn(connection, session, batch.batch_id, position + 1)
        if batch.state != "applied":
            _reset_batch(connection, batch)
        elif batch.first_position <= position:
            _retract(connection, batch, position, settings)
    _delete_vector(connection, session, "turn", items.turn_name(session, position))
    building.drop_index(connection, session.user)
    connection.execute(_SQL["bump_version"], key)


def read_removed_turn_ids(
    connection: Connection, taken: Mapping[SessionScope, Sequence[Entry]]
) -> dict[SessionScope, frozenset[str]]:
    """Return the turns that these entries write or remove and that are removed now."""
    named = [
        (session, turn_id)
        for session, entries in taken.items()
        for entry in entries
        if (turn_id := entry.target_turn_id or (entry.entry_id if entry.turn else None)) is not None
    ]
    if not named:
        return {}
    rows = connection.execute(
        _SQL["removed_turns"],
        {
            "tenants": [session.tenant_id for session, _ in named],
            "users": [session.user_id for session, _ in named],
            "sessions": [session.session_id for session, _ in named],
            "turns": [turn_id for _, turn_id in named],
        },
    ).fetchall()
    found: dict[SessionScope, set[str]] = defaultdict(set)
    for row in rows:
        found[SessionScope(row["tenant_id"], row["user_id"], row["session_id"])].add(row["turn_id"])
    return {session: frozenset(turn_ids) for session, turn_ids in found.items()}


def _seize_batches(connection: Connection, session: SessionScope, position: int) -> list[Batch]:
    """Take over the leases of the batches that contain the turn, also as context, and return these batches."""
    arguments = session.key | {"position": position, "context_turns": CONTEXT_TURNS}
    tokens = [row["token"] for row in connection.execute(_SQL["seize_leases"], arguments).fetchall()]
    # Until the commit, other transactions wait for a deleted row as they wait for a locked one.
    connection.execute(_SQL["delete_leases"], arguments | {"tokens": tokens})
    return [batch_row.from_row(row) for row in connection.execute(_SQL["batches"], arguments).fetchall()]


def _reset_batch(connection: Connection, batch: Batch) -> None:
    """Start a batch again: its answers and everything made from them contain the turn."""
    items.delete_fact_vectors(connection, batch.session.user, _candidate_ids(connection, batch))
    _delete_vector(connection, batch.session, "episode", items.episode_name(batch.batch_id))
    _delete_answers(connection, batch)
    candidate_rows.delete_rejections(connection, batch)
    connection.execute(_SQL["reset_batch"], batch.key)


def _delete_answers(connection: Connection, batch: Batch) -> None:
    connection.execute(_SQL["delete_answers"], batch.key)
    candidate_rows.delete_candidates(connection, batch)


def _candidate_ids(connection: Connection, batch: Batch) -> list[UUID]:
    """Return the ids of all facts that the batch's stored answer could become."""
    if batch.is_verified:
        return candidate_rows.read_fact_ids(connection, batch)
    if batch.prompt_version is None or batch.model is None:
        return []
    version = {"prompt_version": batch.prompt_version, "model": batch.model}
    stored = stored_answers.read_answers(connection, batch, prompt_versions=(batch.prompt_version,), model=batch.model)
    try:
        answer = stored_answers.combine_answers(batch, stored)
    except AnswerMalformed:
        return []
    return [ids.derive_fact_id(batch.batch_id, **version, index=index) for index in range(len(answer.facts))]


def _retract(connection: Connection, batch: Batch, position: int, settings: Settings) -> None:
    """Remove from the user's memory what an applied batch learned from the turn alone."""
    retraction.retract_unsupported_facts(connection, batch.session, position)
    connection.execute(_SQL["delete_answers"], batch.key)
    candidate_rows.delete_candidates_without_turn(connection, batch)
    episodes.rewrite_episode(connection, batch)
    _delete_vector(connection, batch.session, "episode", items.episode_name(batch.batch_id))
    missing_vectors.owe_episode(connection, batch.session.user, batch.batch_id)
    digests.remove_episode_from_summary(connection, batch.session, batch.user_seq, limit_tokens=settings.summary_tokens)
    profile.rebuild_profile(connection, batch.session.user, limit_tokens=settings.profile_tokens)


def _delete_vector(connection: Connection, session: SessionScope, kind: str, name: str) -> None:
    connection.execute(_SQL["delete_vector"], session.key | {"kind": kind, "item": name})
