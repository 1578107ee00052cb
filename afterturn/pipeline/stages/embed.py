"""Embed: store the vectors of an extracted batch's candidates, episode and turns, in every active space."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from afterturn import faults
from afterturn.batches import batch_row, claims, leases
from afterturn.batches.batch_row import Batch, ReadyBatch
from afterturn.batches.claims import ClaimedBatch
from afterturn.database.pool import Connection
from afterturn.embedding import items, missing_vectors, spaces, switching
from afterturn.embedding.isolation import Outcome, Refusal
from afterturn.embedding.items import Item
from afterturn.embedding.spaces import EmbeddingSpace
from afterturn.errors import ModelError
from afterturn.extraction import batch_answer, turn_secrets
from afterturn.extraction.extractor import CONTEXT_TURNS
from afterturn.pipeline import hand_out
from afterturn.pipeline.enqueue import priority_of
from afterturn.pipeline.runtime import Runtime
from afterturn.scopes import UserScope

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _MissingVectors:
    """The texts of a batch that have no vector in one space."""

    space: EmbeddingSpace
    items: list[Item]


def embed(runtime: Runtime, scope: UserScope, batch_id: UUID) -> bool:
    """Embed one extracted batch. Returns whether it was embedded; False if there is nothing to do."""

    def load(connection: Connection, batch: Batch) -> list[_MissingVectors]:
        return [] if batch.is_embedded else _find_missing_vectors(runtime, connection, batch)

    with claims.claim_batch(runtime, scope, batch_id, stage="embed", state="extracted", load=load) as claimed:
        if claimed is None:
            return False
        if claimed.batch.is_embedded:
            claims.release_claim(runtime, claimed)
            return False
        serving, *building = claimed.loaded
        lacking = [missing.space for missing in building if not _embed_in_next_space(runtime, claimed, missing)]
        earliest = _embed_and_finish(runtime, claimed, serving, lacking)
        if earliest is not None:
            # Later batches are applied, or enqueued, after earlier ones are applied.
            names = (scope.tenant_id, scope.user_id, str(earliest.batch_id))
            runtime.enqueue.send("consolidate", *names, priority=priority_of(earliest.place))
        faults.point("embed.enqueued")
        return True
    return False


def _find_missing_vectors(runtime: Runtime, connection: Connection, batch: Batch) -> list[_MissingVectors]:
    batch_items = _read_items(connection, batch, embeds_turns=runtime.settings.embed_turns)
    active = spaces.read_active_spaces(connection)
    return [
        _MissingVectors(space, items.find_missing_items(connection, batch.session.user, space, batch_items))
        for space in active
    ]


def _read_items(connection: Connection, batch: Batch, *, embeds_turns: bool) -> list[Item]:
    answer = batch_answer.read_verified_answer(connection, batch)
    batch_items = [
        Item(kind="fact", name=items.fact_name(candidate.fact_id), text=candidate.content.text)
        for candidate in answer.candidates
    ]
    if answer.episode is not None:
        text = f"{answer.episode.title}. {answer.episode.summary}"
        batch_items.append(Item(kind="episode", name=items.episode_name(batch.batch_id), text=text))
    if embeds_turns and batch.kind != "manual":
        before, turns = batch_row.read_turns(connection, batch, context=CONTEXT_TURNS)
        batch_items += items.turn_items(batch.session, turn_secrets.redact_turns(turns, before=before))
    return batch_items


def _embed_in_next_space(
    runtime: Runtime, claimed: ClaimedBatch[list[_MissingVectors]], missing: _MissingVectors
) -> bool:
    """Store the vectors of a space that is being built. Returns False if its embedder fails: the batch goes on."""
    try:
        outcomes = _embed_missing(runtime, claimed.batch, missing)
    except ModelError as error:
        logger.warning("batch %s has no vectors of %s yet: %s", claimed.batch.batch_id, missing.space.describe(), error)
        return False
    with runtime.postgres.connection() as connection, connection.transaction():
        leases.fence(connection, claimed.lease)
        _store_vectors(connection, claimed.batch, missing, outcomes)
    return True


def _embed_and_finish(
    runtime: Runtime,
    claimed: ClaimedBatch[list[_MissingVectors]],
    missing: _MissingVectors,
    lacking: Sequence[EmbeddingSpace],
) -> ReadyBatch | None:
    """Store the vectors of the serving space, and mark the batch as embedded.

    `lacking` are spaces that are being built and lack its vectors. Returns the user's next batch ready to be applied.
    """
    outcomes = _embed_missing(runtime, claimed.batch, missing)
    may_hand_on = hand_out.may_hand_on(runtime.enqueue, "consolidate", priority_of(claimed.batch.place))
    with runtime.postgres.connection() as connection:
        with connection.transaction():
            for space in lacking:
                switching.note_lacking(connection, claimed.batch.session.user, space)
            _store_vectors(connection, claimed.batch, missing, outcomes)
            claims.complete_transition(connection, claimed, "embedded")
            faults.point("embed.before_commit")
        faults.point("embed.after_commit")
        return batch_row.hand_on_next(connection, claimed.batch.session.user) if may_hand_on else None


def _embed_missing(runtime: Runtime, batch: Batch, missing: _MissingVectors) -> list[Outcome]:
    """Embed the texts that have no vector in the space. No database connection is in use during the calls."""
    if not missing.items:
        return []
    texts = [item.text for item in missing.items]
    outcomes = runtime.embed_each(missing.space, texts, caller=str(batch.batch_id))
    faults.point("embed.vectors_received")
    return outcomes


def _store_vectors(connection: Connection, batch: Batch, missing: _MissingVectors, outcomes: list[Outcome]) -> None:
    """Store the vectors, and record the texts that the embedder refused: the batch continues without their vectors."""
    if not missing.items:
        return
    pairs = list(zip(missing.items, outcomes, strict=True))
    embedded = [(item, outcome) for item, outcome in pairs if not isinstance(outcome, Refusal)]
    refused = [(item, outcome) for item, outcome in pairs if isinstance(outcome, Refusal)]
    items.store_vectors(connection, batch.session.user, missing.space, embedded)
    if refused:
        logger.error("%d texts of batch %s have no vector: %s", len(refused), batch.batch_id, refused[0][1].reason)
        missing_vectors.add(connection, batch.session, batch.batch_id, missing.space, refused)
    faults.point("embed.vectors_stored")
