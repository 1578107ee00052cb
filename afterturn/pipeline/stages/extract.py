"""Extract: send a pending batch's turns to the extractor, store its answer, verify it once, store the candidates."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from afterturn import faults
from afterturn.batches import batch_row, claims
from afterturn.batches.batch_row import Batch
from afterturn.batches.claims import ClaimedBatch
from afterturn.consolidation import known_statements
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.extraction import (
    candidate_rows,
    endpoint_check,
    shown_memories,
    stored_answers,
    timezones,
    turn_secrets,
    verified_answer,
)
from afterturn.extraction.answer import Answer
from afterturn.extraction.batch_extraction import BatchExtraction
from afterturn.extraction.extractor import CONTEXT_TURNS, ExtractionRequest
from afterturn.extraction.stored_answers import StoredAnswer
from afterturn.pipeline.runtime import Runtime
from afterturn.scopes import UserScope
from afterturn.turns import Turn

_SQL = queries.load("batches")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    """The input of an extraction."""

    #: What the model sees: turns without secrets.
    request: ExtractionRequest
    #: The turns as they are stored.
    turns: list[Turn]
    #: The stored answers of this prompt and model.
    stored: list[StoredAnswer]
    #: The prompt of the stored answers, or of those that will be stored.
    prompt_version: str


def extract(runtime: Runtime, scope: UserScope, batch_id: UUID) -> bool:
    """Extract one pending batch. Returns whether it was extracted; False if there is nothing to do.

    The caller embeds an extracted batch. If it does not, the sweep hands the batch out.
    """

    def load(connection: Connection, batch: Batch) -> _Loaded:
        return _load(runtime, connection, batch)

    with claims.claim_batch(runtime, scope, batch_id, stage="extract", state="pending", load=load) as claimed:
        if claimed is None:
            return False
        loaded = claimed.loaded
        endpoint_check.check_before_retry(runtime, claimed.batch, claimed.lease)
        answer = BatchExtraction(
            runtime, claimed.batch, claimed.lease, loaded.request, loaded.stored, prompt_version=loaded.prompt_version
        ).run()
        _commit(runtime, claimed, answer)
        faults.point("extract.after_commit")
        return True
    return False


def _load(runtime: Runtime, connection: Connection, batch: Batch) -> _Loaded:
    context, turns = batch_row.read_turns(connection, batch, context=CONTEXT_TURNS)
    user = connection.execute(_SQL["user"], batch.session_key).fetchone() or {}
    redacted = turn_secrets.redact_turns(turns, before=context)
    extractor = runtime.extractor
    request = ExtractionRequest(
        turns=redacted,
        context=turn_secrets.redact_turns(context),
        known=known_statements.read_known_statements(connection, batch.key, redacted) if extractor.uses_known else (),
        user_name=user.get("display_name"),
        timezone=user.get("timezone") or "UTC",
    )
    stored = stored_answers.read_answers(
        connection,
        batch,
        prompt_versions=(extractor.prompt_version, *extractor.earlier_versions),
        model=extractor.model,
        zone=timezones.timezone_of(request.timezone),
    )
    version = stored[0].prompt_version if stored else extractor.prompt_version
    return _Loaded(request=request, turns=turns, stored=stored, prompt_version=version)


def _commit(runtime: Runtime, claimed: ClaimedBatch[_Loaded], answer: Answer) -> None:
    """Verify the answer, and store the candidates in the transaction that marks the batch as extracted."""
    version = {"prompt_version": claimed.loaded.prompt_version, "model": runtime.extractor.model}
    batch, turns = claimed.batch, claimed.loaded.turns
    with runtime.postgres.connection() as connection:
        verified = verified_answer.verify_answer(
            answer,
            turns,
            batch,
            shown=shown_memories.read_shown_memories(connection, batch, turns, cold_url=runtime.settings.cold_url),
            categories=runtime.settings.category_names,
            redacted=claimed.loaded.request.turns,
            **version,
        )
        with connection.transaction():
            candidate_rows.store_verified_answer(connection, batch, verified)
            claims.complete_transition(connection, claimed, "extracted", **version)
            faults.point("extract.before_commit")
