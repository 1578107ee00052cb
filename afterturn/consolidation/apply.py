"""Applying: a batch's decisions, evidence and episode become part of the user's memory, inside one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic_core import to_json

from afterturn.batches.batch_row import Batch
from afterturn.consolidation import merging, user_names, user_timezone
from afterturn.consolidation.decisions import Decision, EndReason
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.embedding import items
from afterturn.errors import VersionConflict
from afterturn.extraction import candidate_rows
from afterturn.extraction.offline.extractor import OfflineExtractor
from afterturn.extraction.outcome import Episode, Outcome

_SQL = queries.load("facts")


def lock_user(connection: Connection, batch: Batch, version: int) -> None:
    """Lock the user row and bump its version. Raises VersionConflict when the memory changed since it was read."""
    if connection.execute(_SQL["bump_version"], batch.key | {"version": version}).fetchone() is None:
        raise VersionConflict()


def apply(connection: Connection, batch: Batch, outcome: Outcome, decisions: Sequence[Decision]) -> None:
    """Write down the decisions, the episode and the rejections, in the caller's transaction."""
    _add_facts(connection, batch, outcome, [decision for decision in decisions if decision.repeats is None])
    ended = [row for decision in decisions for row in _ended_rows(batch, decision)]
    repeated = [_repeat_row(batch, outcome, decision) for decision in decisions if decision.repeats is not None]
    with connection.cursor() as cursor:
        cursor.executemany(_SQL["supersede"], ended)
        cursor.executemany(_SQL["repeat"], repeated)
    _add_evidence(connection, batch, decisions)
    if outcome.episode is not None:
        connection.execute(_SQL["add_episode"], _episode_row(batch, outcome.episode))
    candidate_rows.add_rejections(connection, batch, outcome)
    told = {decision.believed.candidate.attribute for decision in decisions}
    if "name" in told:
        user_names.update_display_name(connection, batch.key)
    if user_timezone.ATTRIBUTE in told:
        user_timezone.update_timezone(connection, batch.key)
    for decision in decisions:
        for ending in decision.ends:
            if ending.because is EndReason.MERGED:
                merging.merge_fact(connection, batch.session.user, ending.fact_id, into=decision.fact_id)
    repeats = [decision.believed.fact_id for decision in decisions if decision.repeats]
    items.delete_fact_vectors(connection, batch.session.user, repeats)


def _add_facts(connection: Connection, batch: Batch, outcome: Outcome, new: Sequence[Decision]) -> None:
    if not new:
        return
    facts = to_json([_fact_row(decision) for decision in new]).decode()
    connection.execute(
        _SQL["add_facts"],
        batch.key
        | {
            "session_id": batch.session.session_id,
            "is_pinned": bool(outcome.pinned),
            "is_by_rules": batch.model == OfflineExtractor.model,
            "facts": facts,
        },
    )


def _fact_row(decision: Decision) -> dict[str, Any]:
    believed = decision.believed
    candidate = believed.candidate
    return {
        "fact_id": believed.fact_id,
        "text": candidate.text,
        "category": candidate.category,
        "topics": candidate.topics,
        "subject": candidate.subject,
        "attribute": candidate.attribute,
        "value": candidate.value,
        "importance": candidate.importance,
        "superseded_by": decision.superseded_by,
        "ended_because": decision.ended_because,
        "origin": believed.origin,
        "said_by": believed.said_by,
        "valid_from": candidate.valid_from or decision.valid_from,
        "valid_to": candidate.valid_to or decision.valid_to,
        "said_valid_to": candidate.valid_to,
        "said_at": believed.said_at,
    }


def _ended_rows(batch: Batch, decision: Decision) -> list[dict[str, Any]]:
    since = decision.believed.candidate.valid_from or decision.believed.said_at
    return [
        batch.key
        | {
            "fact_id": ending.fact_id,
            "superseded_by": decision.fact_id,
            "because": ending.because,
            "valid_to": since,
        }
        for ending in decision.ends
    ]


def _repeat_row(batch: Batch, outcome: Outcome, decision: Decision) -> dict[str, Any]:
    believed = decision.believed
    return batch.key | {
        "fact_id": decision.repeats,
        "said_at": believed.said_at,
        "origin": believed.origin,
        "said_by": believed.said_by,
        "is_pinned": bool(outcome.pinned),
        "is_by_rules": batch.model == OfflineExtractor.model,
    }


def _add_evidence(connection: Connection, batch: Batch, decisions: Sequence[Decision]) -> None:
    evidence = [
        (decision.fact_id, position, quote) for decision in decisions for position, quote in decision.believed.evidence
    ]
    if not evidence:
        return
    fact_ids, positions, quotes = (list(column) for column in zip(*evidence, strict=True))
    columns = {"fact_ids": fact_ids, "positions": positions, "quotes": quotes}
    connection.execute(_SQL["add_evidence"], batch.key | {"session_id": batch.session.session_id} | columns)


def _episode_row(batch: Batch, episode: Episode) -> dict[str, Any]:
    return batch.key | {
        "session_id": batch.session.session_id,
        "user_seq": batch.user_seq,
        "title": episode.title,
        "summary": episode.summary,
        "outcome": episode.outcome,
        "participants": list(episode.participants),
        "started_at": episode.started_at,
        "ended_at": episode.ended_at,
    }
