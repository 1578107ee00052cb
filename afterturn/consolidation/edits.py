"""Carrying out what a person does to facts that are there: correcting, pinning, deleting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from afterturn.batches.batch_row import Batch
from afterturn.consolidation import user_names, user_timezone
from afterturn.consolidation.decisions import Decision, Ending, EndReason
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.embedding import items
from afterturn.extraction.outcome import Outcome
from afterturn.extraction.verification import BelievedCandidate
from afterturn.facts.edits import Action, Edit

_SQL = queries.load("facts")

#: Why an edit came to nothing, among the rejections of its batch.
UNKNOWN_FACT = "unknown_fact"


def admitted(connection: Connection, batch: Batch, outcome: Outcome) -> Sequence[BelievedCandidate]:
    """Return what of a batch is to be decided on: the correction of a fact that nobody knows is no new fact."""
    corrected = [edit for edit in outcome.edits if edit.action is Action.CORRECT]
    if any(_head(connection, batch, edit) is None for edit in corrected):
        return ()
    return outcome.believed


def under_own_ids(decisions: Sequence[Decision]) -> list[Decision]:
    """Let what a person entered be a fact under its own id, which the person was told, also where it repeats one."""
    found = []
    stands_for: dict[UUID, UUID] = {}
    for decision in decisions:
        if decision.repeats is not None and decision.believed.origin == "person":
            repeated = stands_for.get(decision.repeats, decision.repeats)
            stands_for[decision.repeats] = decision.believed.fact_id
            ends = (*decision.ends, Ending(fact_id=repeated, because=EndReason.MERGED))
            decision = replace(decision, repeats=None, ends=ends)
        found.append(decision)
    return found


def carry_out(connection: Connection, batch: Batch, outcome: Outcome, decisions: Sequence[Decision]) -> None:
    """Carry out a manual batch's edits, in the transaction that applied its facts.

    An edit of a fact whose place was taken meanwhile goes to the one that is current in its place; where there is none,
    it is rejected.
    """
    for index, edit in enumerate(outcome.edits):
        target = _target(connection, batch, edit, decisions)
        if target is None:
            place = len(outcome.believed) + len(outcome.rejected) + index
            rejected = batch.key | {"candidate_index": place, "reason": UNKNOWN_FACT}
            connection.execute(_SQL["add_rejection"], rejected)
            if edit.action is Action.CORRECT:
                items.delete_fact_vectors(connection, batch.session.user, [found.fact_id for found in outcome.believed])
            continue
        _carry_out_one(connection, batch, edit.action, target, outcome, decisions)


def _target(connection: Connection, batch: Batch, edit: Edit, decisions: Sequence[Decision]) -> UUID | None:
    head = _head(connection, batch, edit)
    if edit.action is Action.CORRECT and head in {decision.fact_id for decision in decisions}:
        # The rules saw by themselves that the correction takes its place, and it has.
        return edit.fact_id
    return head


def _head(connection: Connection, batch: Batch, edit: Edit) -> UUID | None:
    wanted = batch.key | {"fact_id": edit.fact_id, "is_deletion": edit.action is Action.DELETE}
    row = connection.execute(_SQL["head"], wanted).fetchone()
    return None if row is None else row["fact_id"]


def _carry_out_one(
    connection: Connection,
    batch: Batch,
    action: Action,
    target: UUID,
    outcome: Outcome,
    decisions: Sequence[Decision],
) -> None:
    key = batch.key | {"fact_id": target}
    match action:
        case Action.CORRECT:
            _correct(connection, batch, target, outcome, decisions)
        case Action.PIN | Action.UNPIN:
            connection.execute(_SQL["pin"], key | {"is_pinned": action is Action.PIN})
        case Action.DELETE:
            connection.execute(_SQL["delete"], key)
            items.delete_fact_vectors(connection, batch.session.user, [target])
            user_names.restore_display_name(connection, batch.key, [target])
            user_timezone.update_timezone(connection, batch.key)


def _correct(
    connection: Connection, batch: Batch, target: UUID, outcome: Outcome, decisions: Sequence[Decision]
) -> None:
    for decision in decisions:
        if decision.fact_id == target:
            # It is corrected to what it says already.
            continue
        new = batch.key | {"fact_id": target, "superseded_by": decision.fact_id}
        since = decision.believed.candidate.valid_from or decision.believed.said_at
        connection.execute(_SQL["supersede"], new | {"because": EndReason.PERSON, "valid_to": since})
        if outcome.pinned is None:
            connection.execute(_SQL["inherit_pin"], new)
