"""Embed: the vectors of an extracted batch's candidates, episode and turns, in every active space."""

from __future__ import annotations

from uuid import UUID

from afterturn import faults
from afterturn.batches import batch_row, claims, leases
from afterturn.batches.batch_row import Batch
from afterturn.batches.claims import Claimed
from afterturn.embedding import items, spaces
from afterturn.embedding.items import Item
from afterturn.embedding.spaces import EmbeddingSpace
from afterturn.extraction import outcome
from afterturn.extraction.outcome import Outcome
from afterturn.pipeline.runtime import Runtime
from afterturn.scopes import UserScope


def embed(runtime: Runtime, scope: UserScope, batch_id: UUID) -> bool:
    """Give one extracted batch its vectors. Returns whether it did; False when there was nothing to do."""
    with claims.claimed(runtime, scope, batch_id, stage="embed", state="extracted") as claimed:
        if claimed is None:
            return False
        if claimed.batch.is_embedded:
            claims.give_back(runtime, claimed)
            return False
        with runtime.postgres.connection() as connection:
            of_batch = outcome.read(connection, claimed.batch)
            wanted = _items(claimed.batch, of_batch, embeds_turns=runtime.settings.embed_turns)
            active = spaces.read_active_spaces(connection)
        for space in active:
            _embed_missing(runtime, claimed, space, wanted)
        with runtime.postgres.connection() as connection:
            with connection.transaction():
                claims.mark(connection, claimed, "embedded")
                faults.point("embed.before_commit")
            faults.point("embed.after_commit")
            lowest = batch_row.next_ready(connection, scope)
        if lowest == batch_id:
            # A higher one is told of when those before it are applied.
            runtime.enqueue.send("consolidate", scope.tenant_id, scope.user_id, str(batch_id))
        faults.point("embed.enqueued")
        return True
    return False


def _items(batch: Batch, outcome_of_batch: Outcome, *, embeds_turns: bool) -> list[Item]:
    wanted = [
        Item(kind="fact", name=items.fact_name(believed.fact_id), text=believed.candidate.text)
        for believed in outcome_of_batch.believed
    ]
    episode = outcome_of_batch.episode
    if episode is not None:
        text = f"{episode.title}. {episode.summary}"
        wanted.append(Item(kind="episode", name=items.episode_name(batch.batch_id), text=text))
    if embeds_turns:
        wanted += items.turn_items(batch.session, outcome_of_batch.turns)
    return wanted


def _embed_missing(runtime: Runtime, claimed: Claimed, space: EmbeddingSpace, wanted: list[Item]) -> None:
    """Embed what the space lacks. No database connection is held during the embedder's call."""
    scope = claimed.batch.session.user
    with runtime.postgres.connection() as connection:
        # A user who was forgotten meanwhile is not shown to an embedder any more.
        leases.fence(connection, claimed.lease)
        lacking = items.find_missing_items(connection, scope, space, wanted)
    if not lacking:
        return
    embedder = runtime.embedder_of(space)
    vectors = runtime.embedder_breaker.call(lambda: embedder.embed([item.text for item in lacking]))
    faults.point("embed.vectors_received")
    with runtime.postgres.connection() as connection, connection.transaction():
        leases.fence(connection, claimed.lease)
        items.store_vectors(connection, scope, space, list(zip(lacking, vectors, strict=True)))
    faults.point("embed.vectors_stored")
