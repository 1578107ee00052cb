"""Extract: a pending batch's turns go to the extractor, and its answer is stored before anything is done with it."""

from __future__ import annotations

from uuid import UUID

from afterturn import batches, llm_calls
from afterturn.batches import Batch, Claimed
from afterturn.database import queries
from afterturn.extraction.extractor import ExtractionRequest, RawAnswer
from afterturn.runtime import Runtime
from afterturn.scopes import UserScope

_SQL = queries.load("batches")

#: Turns shown before the batch, to understand it by.
CONTEXT_TURNS = 4


def extract(runtime: Runtime, scope: UserScope, batch_id: UUID) -> bool:
    """Take one batch from pending to extracted. Returns whether it did; False when there was nothing to do."""
    with batches.claimed(
        runtime.postgres,
        runtime.leases,
        scope,
        batch_id,
        state="pending",
        attempts_limit=runtime.settings.attempts,
    ) as claimed:
        if claimed is None:
            return False
        raw = _ask(runtime, claimed.batch, _request(runtime, claimed.batch))
        _store(runtime, claimed, raw)
        runtime.enqueue.send("embed", scope.tenant_id, scope.user_id, str(batch_id))
        return True
    return False


def _request(runtime: Runtime, batch: Batch) -> ExtractionRequest:
    with runtime.postgres.connection() as connection:
        context, turns = batches.read_turns(connection, batch, context=CONTEXT_TURNS)
        user = connection.execute(_SQL["user"], batch.session_key).fetchone() or {}
    return ExtractionRequest(
        turns=turns, context=context, user_name=user.get("display_name"), timezone=user.get("timezone") or "UTC"
    )


def _ask(runtime: Runtime, batch: Batch, request: ExtractionRequest) -> RawAnswer:
    extractor = runtime.extractor
    if runtime.settings.is_offline:
        return extractor.extract(request)
    with llm_calls.metered(
        runtime.postgres, batch.session, stage="extract", model=extractor.model, batch_id=batch.batch_id
    ) as cost:
        raw = extractor.extract(request)
        cost.prompt_tokens, cost.completion_tokens = raw.prompt_tokens, raw.completion_tokens
        return raw


def _store(runtime: Runtime, claimed: Claimed, raw: RawAnswer) -> None:
    version = {"prompt_version": raw.prompt_version, "model": raw.model}
    with runtime.postgres.connection() as connection, connection.transaction():
        connection.execute(_SQL["add_answer"], claimed.batch.key | version | {"answer": raw.text})
        batches.mark(connection, claimed, "extracted", **version)
