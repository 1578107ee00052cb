"""Read the verified answer of an extracted batch, whether it was extracted by this release, by 0.1, or entered."""

from __future__ import annotations

from collections.abc import Collection

from afterturn import ids
from afterturn.batches import batch_row
from afterturn.batches.batch_row import Batch
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import AnswerMalformed
from afterturn.extraction import candidate_rows, candidates, shown_memories, stored_answers, timezones, verified_answer
from afterturn.extraction.verification import VerifiedCandidate
from afterturn.extraction.verified_answer import VerifiedAnswer
from afterturn.facts import corrections, edits

_SQL = queries.load("batches")


def read_verified_answer(
    connection: Connection, batch: Batch, *, categories: Collection[str] | None = None
) -> VerifiedAnswer:
    """Return the verified answer of an extracted batch. Raises AnswerMalformed.

    Args:
        connection: the connection.
        batch: the batch.
        categories: the allowed categories. Used only if the answer is not verified yet.
    """
    if batch.kind == "manual":
        return _read_manual(connection, batch)
    if batch.is_verified:
        return candidate_rows.read_verified_answer(connection, batch)
    return _verify_again(connection, batch, categories)


def _verify_again(connection: Connection, batch: Batch, categories: Collection[str] | None) -> VerifiedAnswer:
    """Verify the stored answer of a batch that release 0.1 extracted before an upgrade."""
    assert batch.prompt_version is not None and batch.model is not None, "an extracted batch names its answer"
    user = connection.execute(_SQL["user"], batch.session_key).fetchone() or {}
    zone = timezones.timezone_of(user.get("timezone"))
    stored = stored_answers.read_answers(
        connection, batch, prompt_versions=(batch.prompt_version,), model=batch.model, zone=zone
    )
    _, turns = batch_row.read_turns(connection, batch)
    return verified_answer.verify_answer(
        stored_answers.combine_answers(batch, stored),
        turns,
        batch,
        shown=shown_memories.read_shown_memories(connection, batch, turns),
        categories=categories,
        prompt_version=batch.prompt_version,
        model=batch.model,
    )


def _read_manual(connection: Connection, batch: Batch) -> VerifiedAnswer:
    """Return a person's edit as a verified answer. All candidates are accepted; the edit is their evidence."""
    stored = stored_answers.read_answers(connection, batch, prompt_versions=(edits.PROMPT_VERSION,), model=edits.MODEL)
    latest = stored_answers.latest_answer(stored, stored_answers.whole_run(batch))
    if latest is None or latest.text is None:
        raise AnswerMalformed("no answer is stored for the edit")
    given = corrections.complete_correction(connection, batch.session.user, edits.parse_answer(latest.text))
    _, [turn] = batch_row.read_turns(connection, batch)
    user = batch.session.user
    entered = [
        VerifiedCandidate(
            fact_id=ids.derive_manual_fact_id(user.tenant_id, user.user_id, turn.turn_id, index),
            content=clean,
            evidence=((batch.first_position, clean.text),),
            said_at=turn.occurred_at,
            origin="person",
        )
        for index, clean in enumerate(map(candidates.redact_candidate, given.facts))
    ]
    return VerifiedAnswer(candidates=entered, rejections=(), episode=None, edits=given.edits, pinned=given.pinned)
