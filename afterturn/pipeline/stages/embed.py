"""Embed: the vectors of an extracted batch's candidates, episode and turns, in every active space."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from afterturn import faults
from afterturn.batches import batch_row, claims, leases
from afterturn.batches.batch_row import Batch
from afterturn.batches.claims import ClaimedBatch
from afterturn.database.pool import Connection
from afterturn.embedding import items, spaces
from afterturn.embedding.items import Item
from afterturn.embedding.spaces import EmbeddingSpace
from afterturn.extraction import batch_answer
from afterturn.pipeline.runtime import Runtime
from afterturn.scopes import UserScope


@dataclass(frozen=True, slots=True)
class _Lacking:
    """The texts of a batch that have no vector in one space."""

    space: EmbeddingSpace
    items: list[Item]


def embed(runtime: Runtime, scope: UserScope, batch_id: UUID) -> bool:
    """Give one extracted batch its vectors. Returns whether it did; False when there was nothing to do."""

    def load(connection: Connection, batch: Batch) -> list[_Lacking]:
        return [] if batch.is_embedded else _load(runtime, connection, batch)

    with claims.claim_batch(runtime, scope, batch_id, stage="embed", state="extracted", load=load) as claimed:
        if claimed is None:
            return False
        if claimed.batch.is_embedded:
            claims.release_claim(runtime, claimed)
            return False
        *before, last = claimed.loaded
        for lacking in before:
            _embed_in_further_space(runtime, claimed, lacking)
        lowest = _embed_and_finish(runtime, claimed, last)
        if lowest == batch_id:
            # Later batches are enqueued after earlier ones are applied.
            runtime.enqueue.send("consolidate", scope.tenant_id, scope.user_id, str(batch_id))
        faults.point("embed.enqueued")
        return True
    return False


def _load(runtime: Runtime, connection: Connection, batch: Batch) -> list[_Lacking]:
    wanted = _items(connection, batch, embeds_turns=runtime.settings.embed_turns)
    active = spaces.read_active_spaces(connection)
    return [
        _Lacking(space, items.find_missing_items(connection, batch.session.user, space, wanted)) for space in active
    ]


def _items(connection: Connection, batch: Batch, *, embeds_turns: bool) -> list[Item]:
    answer = batch_answer.read_verified_answer(connection, batch)
    wanted = [
        Item(kind="fact", name=items.fact_name(candidate.fact_id), text=candidate.content.text)
        for candidate in answer.candidates
    ]
    if answer.episode is not None:
        text = f"{answer.episode.title}. {answer.episode.summary}"
        wanted.append(Item(kind="episode", name=items.episode_name(batch.batch_id), text=text))
    if embeds_turns and batch.kind != "manual":
        _, turns = batch_row.read_turns(connection, batch)
        wanted += items.turn_items(batch.session, turns)
    return wanted


def _embed_in_further_space(runtime: Runtime, claimed: ClaimedBatch[list[_Lacking]], lacking: _Lacking) -> None:
    """Store the vectors of one space by themselves: another space's embedder may be away."""
    vectors = _vectors(runtime, lacking)
    with runtime.postgres.connection() as connection, connection.transaction():
        leases.fence(connection, claimed.lease)
        _store(connection, claimed.batch, lacking, vectors)


def _embed_and_finish(runtime: Runtime, claimed: ClaimedBatch[list[_Lacking]], lacking: _Lacking) -> UUID | None:
    """Store the last vectors, mark the batch as embedded, and return the batch of its user that may be applied next."""
    vectors = _vectors(runtime, lacking)
    with runtime.postgres.connection() as connection:
        with connection.transaction():
            _store(connection, claimed.batch, lacking, vectors)
            claims.complete_transition(connection, claimed, "embedded")
            faults.point("embed.before_commit")
        faults.point("embed.after_commit")
        return batch_row.next_ready_batch_id(connection, claimed.batch.session.user)


def _vectors(runtime: Runtime, lacking: _Lacking) -> list[list[float]]:
    """Embed what a space lacks. No database connection is held during the embedder's call."""
    if not lacking.items:
        return []
    embedder = runtime.embedder_of(lacking.space)
    vectors = runtime.embedder_breaker.call(lambda: embedder.embed([item.text for item in lacking.items]))
    faults.point("embed.vectors_received")
    return vectors


def _store(connection: Connection, batch: Batch, lacking: _Lacking, vectors: list[list[float]]) -> None:
    if lacking.items:
        embedded = list(zip(lacking.items, vectors, strict=True))
        items.store_vectors(connection, batch.session.user, lacking.space, embedded)
        faults.point("embed.vectors_stored")
