"""What a stored answer comes to. The same answer and turns always come to the same."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from afterturn import ids
from afterturn.batches import batch_row
from afterturn.batches.batch_row import Batch
from afterturn.candidate import EpisodeDraft
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.errors import AnswerMalformed
from afterturn.extraction import answers, candidates, shown_memories, timezones, verification
from afterturn.extraction.verification import BelievedCandidate, Rejection
from afterturn.facts import corrections, edits
from afterturn.facts.edits import Edit
from afterturn.turns import Turn

_SQL = queries.load("batches")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """An extracted batch's turns, and what its stored answer makes of them."""

    turns: Sequence[Turn]
    believed: Sequence[BelievedCandidate]
    rejected: Sequence[Rejection]
    episode: EpisodeDraft | None
    #: What a person does to facts that are there. Of a correction, the first one believed takes the fact's place.
    edits: Sequence[Edit] = ()
    #: Whether the person pinned what is believed; None: as the corrected fact is.
    pinned: bool | None = None


def read(connection: Connection, batch: Batch, *, categories: Collection[str] | None = None) -> Outcome:
    """Return the outcome of an extracted batch; a category that is none of `categories` (None: any) becomes `other`.

    Raises AnswerMalformed.
    """
    if batch.kind == "manual":
        return _read_manual(connection, batch)
    assert batch.prompt_version is not None and batch.model is not None, "an extracted batch names its answer"
    stored = answers.read(connection, batch, prompt_version=batch.prompt_version, model=batch.model)
    user = connection.execute(_SQL["user"], batch.session_key).fetchone() or {}
    parsed = answers.united(batch, stored, timezones.of(user.get("timezone")))
    _, turns = batch_row.read_turns(connection, batch)
    believed, rejected = verification.verify(
        parsed,
        turns,
        batch_id=batch.batch_id,
        prompt_version=batch.prompt_version,
        model=batch.model,
        shown=shown_memories.read(connection, batch, turns),
        categories=categories,
    )
    episode = parsed.episode and candidates.redacted(parsed.episode, verification.told_secrets(turns))
    return Outcome(turns=turns, believed=believed, rejected=rejected, episode=episode)


def _read_manual(connection: Connection, batch: Batch) -> Outcome:
    """Return the outcome of a person's edit: all of it is believed. Its turn is not shown, to nobody."""
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
    return Outcome(turns=(), believed=believed, rejected=(), episode=None, edits=given.edits, pinned=given.pinned)
