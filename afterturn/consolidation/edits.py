"""Apply a person's edits of known facts: corrections, pins, deletions, and choices between contradicting facts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from afterturn import lives
from afterturn.batches.batch_row import Batch
from afterturn.consolidation import contradictions, user_names, user_timezone
from afterturn.consolidation.decisions import Decision, Ending, EndReason
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.embedding import items
from afterturn.extraction.verification import VerifiedCandidate
from afterturn.extraction.verified_answer import VerifiedAnswer
from afterturn.facts.edits import Action, Edit
from afterturn.threads import thread_rows

_SQL = queries.load("facts")

#: The reason in the rejections of a batch for an edit of a fact that does not exist.
UNKNOWN_FACT = "unknown_fact"


def candidates_to_decide(connection: Connection, batch: Batch, answer: VerifiedAnswer) -> Sequence[VerifiedCandidate]:
    """Return the candidates to decide on: none if the batch corrects an unknown fact, which is no new fact."""
    corrected = [edit for edit in answer.edits if edit.action is Action.CORRECT]
    if any(_current_successor(connection, batch, edit) is None for edit in corrected):
        return ()
    return answer.candidates


def keep_entered_ids(decisions: Sequence[Decision]) -> list[Decision]:
    """Turn each repetition entered by a person into a fact with its own id, which the client has returned.

    The repeated fact is merged into it.
    """
    kept = []
    replaced_by: dict[UUID, UUID] = {}
    for decision in decisions:
        if decision.repeats is not None and decision.candidate.origin == "person":
            repeated = replaced_by.get(decision.repeats, decision.repeats)
            replaced_by[decision.repeats] = decision.candidate.fact_id
            ends = (*decision.ends, Ending(fact_id=repeated, because=EndReason.MERGED))
            decision = replace(decision, repeats=None, ends=ends)
        kept.append(decision)
    return kept


def apply_edits(connection: Connection, batch: Batch, answer: VerifiedAnswer, decisions: Sequence[Decision]) -> None:
    """Apply a manual batch's edits, in the transaction that adds its facts.

    An edit of a fact that was superseded meanwhile applies to its current successor. Without one, the edit is rejected.
    """
    for index, edit in enumerate(answer.edits):
        target = _target(connection, batch, edit, decisions)
        if target is None:
            place = len(answer.candidates) + len(answer.rejections) + index
            rejected = batch.key | {"candidate_index": place, "reason": UNKNOWN_FACT}
            connection.execute(_SQL["add_rejection"], rejected)
            if edit.action is Action.CORRECT:
                fact_ids = [candidate.fact_id for candidate in answer.candidates]
                items.delete_fact_vectors(connection, batch.session.user, fact_ids)
            continue
        _apply_edit(connection, batch, edit.action, target, answer, decisions)


def _target(connection: Connection, batch: Batch, edit: Edit, decisions: Sequence[Decision]) -> UUID | None:
    successor = _current_successor(connection, batch, edit)
    if edit.action is Action.CORRECT and successor in {decision.fact_id for decision in decisions}:
        # By the rules alone, the correction has superseded the fact already.
        return edit.fact_id
    return successor


def _current_successor(connection: Connection, batch: Batch, edit: Edit) -> UUID | None:
    wanted = batch.key | {"fact_id": edit.fact_id, "is_deletion": edit.action is Action.DELETE}
    row = connection.execute(_SQL["current_successor"], wanted).fetchone()
    return None if row is None else row["fact_id"]


def _apply_edit(
    connection: Connection,
    batch: Batch,
    action: Action,
    target: UUID,
    answer: VerifiedAnswer,
    decisions: Sequence[Decision],
) -> None:
    key = batch.key | {"fact_id": target}
    match action:
        case Action.CORRECT:
            _correct(connection, batch, target, answer, decisions)
        case Action.PIN | Action.UNPIN:
            connection.execute(_SQL["pin"], key | {"is_pinned": action is Action.PIN})
        case Action.KEEP:
            contradictions.keep_fact(connection, batch.session.user, target)
        case Action.DELETE:
            connection.execute(_SQL["delete"], key)
            items.delete_fact_vectors(connection, batch.session.user, [target])
            thread_rows.remove_facts(connection, batch.session.user, [target])
            user_names.restore_display_name(connection, batch.key, [target])
            user_timezone.update_timezone(connection, batch.key)


def _correct(
    connection: Connection, batch: Batch, target: UUID, answer: VerifiedAnswer, decisions: Sequence[Decision]
) -> None:
    for decision in decisions:
        if decision.fact_id == target:
            # The correction says the same as the fact.
            continue
        new = batch.key | {"fact_id": target, "superseded_by": decision.fact_id}
        content = decision.candidate.content
        since = lives.holds_since(content.life, content.valid_from, decision.candidate.said_at)
        connection.execute(_SQL["supersede"], new | {"because": EndReason.PERSON, "valid_to": since})
        if answer.pinned is None:
            connection.execute(_SQL["inherit_pin"], new)
