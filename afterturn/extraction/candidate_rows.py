"""The verified candidates of a batch as rows: stored when the batch is extracted, and read by the later stages."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from afterturn.batches.batch_row import Batch
from afterturn.candidate import Candidate
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.extraction.verification import VerifiedCandidate
from afterturn.extraction.verified_answer import Episode, VerifiedAnswer
from afterturn.relation import Relation

_SQL = queries.load("candidates")

#: The columns that have the same name as a field of a candidate.
_CANDIDATE_COLUMNS = (
    "text",
    "category",
    "topics",
    "subject",
    "attribute",
    "value",
    "importance",
    "valid_from",
    "valid_to",
    "life",
    "corrects",
)


def store_verified_answer(connection: Connection, batch: Batch, answer: VerifiedAnswer) -> None:
    """Store the verified answer of a batch, in the caller's transaction. It replaces one that was stored before."""
    connection.execute(_SQL["delete_verified_answer"], batch.key)
    if answer.candidates:
        rows = [_to_row(index, candidate) for index, candidate in enumerate(answer.candidates)]
        connection.execute(_SQL["add_candidates"], batch.key | {"candidates": to_json(rows).decode()})
    if answer.episode is not None:
        draft = asdict(answer.episode) | {"participants": list(answer.episode.participants)}
        connection.execute(_SQL["add_episode_draft"], batch.key | draft)
    add_rejections(connection, batch, answer)


def add_rejections(connection: Connection, batch: Batch, answer: VerifiedAnswer) -> None:
    """Store why candidates, or parts of them, were rejected."""
    if answer.rejections:
        indexes = [rejection.index for rejection in answer.rejections]
        reasons = [rejection.reason for rejection in answer.rejections]
        connection.execute(_SQL["add_rejections"], batch.key | {"indexes": indexes, "reasons": reasons})


def read_verified_answer(connection: Connection, batch: Batch) -> VerifiedAnswer:
    """Return the stored candidates and episode of a batch. Rejections are not read: later stages do not use them."""
    rows = connection.execute(_SQL["candidates"], batch.key).fetchall()
    draft = connection.execute(_SQL["episode_draft"], batch.key).fetchone()
    return VerifiedAnswer(
        candidates=[_from_row(row) for row in rows],
        rejections=(),
        episode=None if draft is None else Episode(**draft | {"participants": tuple(draft["participants"])}),
    )


def read_fact_ids(connection: Connection, batch: Batch) -> list[UUID]:
    """Return the ids of the facts that the batch's candidates may become."""
    return [row["fact_id"] for row in connection.execute(_SQL["fact_ids"], batch.key).fetchall()]


def delete_candidates(connection: Connection, batch: Batch) -> None:
    """Delete the batch's candidates and the draft of its episode, in the transaction that deletes its raw answers."""
    connection.execute(_SQL["delete_candidates"], batch.key)


def delete_candidates_without_turn(connection: Connection, batch: Batch) -> None:
    """Delete an applied batch's candidates whose turns are all removed, and the draft of its episode."""
    connection.execute(_SQL["delete_candidates_without_turn"], batch.key)


def delete_rejections(connection: Connection, batch: Batch) -> None:
    """Delete the batch's rejections, before it is extracted again."""
    connection.execute(_SQL["delete_rejections"], batch.key)


def _to_row(index: int, candidate: VerifiedCandidate) -> dict[str, Any]:
    content = candidate.content
    columns = {name: getattr(content, name) for name in _CANDIDATE_COLUMNS}
    return columns | {
        "candidate_index": index,
        "fact_id": candidate.fact_id,
        "evidence": candidate.evidence,
        "said_at": candidate.said_at,
        "said_by": candidate.said_by,
        "relations": {str(fact_id): relation for fact_id, relation in candidate.relations.items()} or None,
    }


def _from_row(row: dict[str, Any]) -> VerifiedCandidate:
    columns = {name: row[name] for name in _CANDIDATE_COLUMNS}
    # Not validated again: it was validated when the answer was parsed.
    content = Candidate.model_construct(**columns | {"topics": tuple(row["topics"]), "evidence": (), "known": ()})
    return VerifiedCandidate(
        fact_id=row["fact_id"],
        content=content,
        evidence=tuple((position, quote) for position, quote in row["evidence"]),
        said_at=row["said_at"],
        said_by=row["said_by"],
        relations={UUID(known): Relation(relation) for known, relation in (row["relations"] or {}).items()},
    )
