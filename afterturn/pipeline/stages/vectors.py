"""Vectors: embed single texts that lack their vector: the embedder refused them, or they were made without a call."""

from __future__ import annotations

from afterturn.batches import leases
from afterturn.batches.leases import Lease
from afterturn.embedding import items, missing_vectors, spaces
from afterturn.embedding.isolation import Refusal
from afterturn.embedding.items import Item
from afterturn.embedding.spaces import EmbeddingSpace
from afterturn.pipeline import vectors_lease
from afterturn.pipeline.runtime import Runtime
from afterturn.scopes import UserScope

#: The number of texts of one user that a task tries again.
TEXTS_PER_TASK = 50


def embed_missing(runtime: Runtime, scope: UserScope) -> bool:
    """Try one user's missing vectors again. Returns whether there was anything to do."""
    with runtime.postgres.connection() as connection:
        lease = vectors_lease.claim(runtime, connection, scope)
        if lease is None:
            return False
    # If it fails, the rows still mark the vectors as missing: the sweep finds them again.
    with vectors_lease.released(runtime, lease, f"missing vectors of {scope}"):
        return _embed_owed(runtime, scope, lease)
    return False


def _embed_owed(runtime: Runtime, scope: UserScope, lease: Lease) -> bool:
    with runtime.postgres.connection() as connection:
        owed = missing_vectors.read_owed(connection, scope, limit=TEXTS_PER_TASK)
        active = {space.space_id: space for space in spaces.read_active_spaces(connection)}
    for space_id, missing in owed.items():
        if space_id in active:
            _embed_in_space(runtime, scope, lease, active[space_id], missing)
    return bool(owed)


def _embed_in_space(
    runtime: Runtime, scope: UserScope, lease: Lease, space: EmbeddingSpace, missing: list[Item]
) -> None:
    texts = [item.text for item in missing]
    outcomes = list(zip(missing, runtime.embed_each(space, texts), strict=True))
    embedded = [(item, outcome) for item, outcome in outcomes if not isinstance(outcome, Refusal)]
    refused = [(item, outcome) for item, outcome in outcomes if isinstance(outcome, Refusal)]
    with runtime.postgres.connection() as connection, connection.transaction():
        # What was taken back meanwhile is owed no more.
        missing_vectors.lock_user(connection, scope)
        leases.fence(connection, lease)
        owed = set(missing_vectors.read_owed(connection, scope, limit=TEXTS_PER_TASK).get(space.space_id, []))
        embedded = [(item, vector) for item, vector in embedded if item in owed]
        missing_vectors.delete_provisional(connection, scope, space, [item for item, _ in embedded])
        items.store_vectors(connection, scope, space, embedded)
        missing_vectors.settle(
            connection,
            scope,
            space,
            [item for item, _ in embedded],
            refused,
            attempts=runtime.settings.attempts,
        )
