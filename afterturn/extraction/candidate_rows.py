"""The verified candidates of a batch as rows: stored when the batch is extracted, read by the stages that follow."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from afterturn.batches.batch_row import Batch
from afterturn.candidate import Candidate
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.extraction.outcome import Episode, Outcome
from afterturn.extraction.verification import BelievedCandidate

_SQL = queries.load("candidates")

#: The columns that a candidate has under the same name.
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
    "corrects",
)


def store(connection: Connection, batch: Batch, outcome: Outcome) -> None:
    """Keep what was verified of a batch's answer, in the caller's transaction, in place of what was kept before."""
    connection.execute(_SQL["drop"], batch.key)
    connection.execute(_SQL["drop_rejections"], batch.key)
    if outcome.believed:
        rows = [_to_row(index, believed) for index, believed in enumerate(outcome.believed)]
        connection.execute(_SQL["add_candidates"], batch.key | {"candidates": to_json(rows).decode()})
    if outcome.episode is not None:
        draft = asdict(outcome.episode) | {"participants": list(outcome.episode.participants)}
        connection.execute(_SQL["add_episode_draft"], batch.key | draft)
    add_rejections(connection, batch, outcome)


def add_rejections(connection: Connection, batch: Batch, outcome: Outcome) -> None:
    """Keep why candidates, or parts of them, were rejected."""
    if outcome.rejected:
        indexes = [rejection.index for rejection in outcome.rejected]
        reasons = [rejection.reason for rejection in outcome.rejected]
        connection.execute(_SQL["add_rejections"], batch.key | {"indexes": indexes, "reasons": reasons})


def read(connection: Connection, batch: Batch) -> Outcome:
    """Return what was verified of a batch's answer; what was rejected of it is stored already."""
    rows = connection.execute(_SQL["candidates"], batch.key).fetchall()
    draft = connection.execute(_SQL["episode_draft"], batch.key).fetchone()
    return Outcome(
        believed=[_from_row(row) for row in rows],
        rejected=(),
        episode=None if draft is None else Episode(**draft | {"participants": tuple(draft["participants"])}),
    )


def fact_ids(connection: Connection, batch: Batch) -> list[UUID]:
    """Return the ids of the facts that the batch's candidates may become."""
    return [row["fact_id"] for row in connection.execute(_SQL["fact_ids"], batch.key).fetchall()]


def drop(connection: Connection, batch: Batch) -> None:
    """Drop the batch's candidates and the draft of its episode, in the transaction that drops its raw answers."""
    connection.execute(_SQL["drop"], batch.key)


def drop_rejections(connection: Connection, batch: Batch) -> None:
    """Drop what was rejected of the batch's answer: it is asked for again."""
    connection.execute(_SQL["drop_rejections"], batch.key)


def _to_row(index: int, believed: BelievedCandidate) -> dict[str, Any]:
    candidate = believed.candidate
    columns = {name: getattr(candidate, name) for name in _CANDIDATE_COLUMNS}
    return columns | {
        "candidate_index": index,
        "fact_id": believed.fact_id,
        "evidence": believed.evidence,
        "said_at": believed.said_at,
        "said_by": believed.said_by,
    }


def _from_row(row: dict[str, Any]) -> BelievedCandidate:
    columns = {name: row[name] for name in _CANDIDATE_COLUMNS}
    # It was validated when the answer was read.
    candidate = Candidate.model_construct(**columns | {"topics": tuple(row["topics"]), "evidence": ()})
    return BelievedCandidate(
        fact_id=row["fact_id"],
        candidate=candidate,
        evidence=tuple((position, quote) for position, quote in row["evidence"]),
        said_at=row["said_at"],
        said_by=row["said_by"],
    )
