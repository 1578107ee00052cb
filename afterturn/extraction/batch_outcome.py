"""Reading the outcome of an extracted batch, wherever its answer came from."""

from __future__ import annotations

from collections.abc import Collection

from afterturn import ids
from afterturn.batches import batch_row
from afterturn.batches.batch_row import Batch
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import AnswerMalformed
from afterturn.extraction import answers, candidate_rows, outcome, shown_memories, timezones
from afterturn.extraction.outcome import Outcome
from afterturn.extraction.verification import BelievedCandidate
from afterturn.facts import corrections, edits

_SQL = queries.load("batches")


def read(connection: Connection, batch: Batch, *, categories: Collection[str] | None = None) -> Outcome:
    """Return the outcome of an extracted batch. `categories` count only where the answer is not verified yet.

    Raises AnswerMalformed.
    """
    if batch.kind == "manual":
        return _read_manual(connection, batch)
    if batch.is_verified:
        return candidate_rows.read(connection, batch)
    return _verify_again(connection, batch, categories)


def _verify_again(connection: Connection, batch: Batch, categories: Collection[str] | None) -> Outcome:
    """Verify the stored answer of a batch that release 0.1 extracted, in the middle of an upgrade."""
    assert batch.prompt_version is not None and batch.model is not None, "an extracted batch names its answer"
    version = {"prompt_version": batch.prompt_version, "model": batch.model}
    user = connection.execute(_SQL["user"], batch.session_key).fetchone() or {}
    stored = answers.read(connection, batch, zone=timezones.timezone_of(user.get("timezone")), **version)
    _, turns = batch_row.read_turns(connection, batch)
    return outcome.verify(
        answers.united(batch, stored),
        turns,
        batch,
        shown=shown_memories.read_shown_memories(connection, batch, turns),
        categories=categories,
        **version,
    )


def _read_manual(connection: Connection, batch: Batch) -> Outcome:
    """Return the outcome of a person's edit: all of it is believed. Its turn is shown to nobody."""
    stored = answers.read(connection, batch, prompt_version=edits.PROMPT_VERSION, model=edits.MODEL)
    found = answers.latest(stored, batch.first_position, batch.last_position)
    if found is None or found.text is None:
        raise AnswerMalformed("no answer is stored for the edit")
    given = corrections.complete_correction(connection, batch.session.user, edits.parse_answer(found.text))
    _, [turn] = batch_row.read_turns(connection, batch)
    user = batch.session.user
    believed = [
        BelievedCandidate(
            fact_id=ids.derive_manual_fact_id(user.tenant_id, user.user_id, turn.turn_id, index),
            candidate=candidate,
            evidence=((batch.first_position, candidate.text),),
            said_at=turn.occurred_at,
            origin="person",
        )
        for index, candidate in enumerate(given.facts)
    ]
    return Outcome(believed=believed, rejected=(), episode=None, edits=given.edits, pinned=given.pinned)
