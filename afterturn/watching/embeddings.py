"""The embedding spaces of the database: what serves, what is built, how far it is, and settings without effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from afterturn.database import queries
from afterturn.database.statement import Statement, Steps
from afterturn.database.steps import read_row, read_rows
from afterturn.embedding import named_model, switching
from afterturn.embedding.switching import SpaceRow
from afterturn.settings import Settings

_SQL = queries.load("spaces")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceCounts:
    """How much is in one space."""

    #: None where there are too many to count.
    vectors: int | None
    #: Texts that its embedder refused. They are found by their words.
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingsStatus:
    """All spaces and the progress of their changes."""

    #: The serving one first.
    spaces: list[SpaceRow]
    #: By space id.
    counts: dict[int, SpaceCounts]
    #: How many users there are.
    users: int
    #: How many of them have followed the last change.
    users_done: int
    #: Settings of this process that have no effect on this database.
    warnings: list[str]

    @property
    def serving(self) -> SpaceRow | None:
        return next((row for row in self.spaces if row.space.state == "serving"), None)

    @property
    def building(self) -> SpaceRow | None:
        return next((row for row in self.spaces if row.space.is_building), None)


def read_spaces() -> Steps[list[SpaceRow]]:
    """Return all embedding spaces, the serving one first."""
    return switching.decode_rows((yield from read_rows(Statement(_SQL["read"], {}))))


def read_embeddings(settings: Settings) -> Steps[EmbeddingsStatus]:
    """Return the state of the embedding spaces."""
    rows = yield from read_spaces()
    building = next((row for row in rows if row.space.is_building), None)
    newest = max((row.generation for row in rows), default=0)
    generation = newest if building is None else building.generation
    progress = yield from read_row(Statement(_SQL["progress"], {"generation": generation}))
    counted = yield from read_rows(Statement(_SQL["count_vectors"], {}))
    counts = {row["space_id"]: SpaceCounts(vectors=row["vectors"], refused=row["refused"]) for row in counted}
    return EmbeddingsStatus(
        spaces=rows,
        counts=counts,
        users=progress["users"],
        users_done=progress["done"],
        warnings=named_model.find_warnings(settings, [row.space for row in rows]),
    )


def as_json(status: EmbeddingsStatus) -> dict[str, Any]:
    """Return the state as JSON values; the keys are stable."""
    return {
        "serving": None if status.serving is None else _space(status, status.serving),
        "building": None if status.building is None else _space(status, status.building),
        "retired": [_space(status, row) for row in status.spaces if row.space.state == "retired"],
        "users": status.users,
        "users_done": status.users_done,
        "warnings": status.warnings,
    }


def _space(status: EmbeddingsStatus, row: SpaceRow) -> dict[str, Any]:
    counts = status.counts.get(row.space.space_id)
    moments = {
        name: getattr(row, name) for name in ("started_at", "serving_since", "retired_at", "drop_at", "dropped_at")
    }
    return {
        "embedder": row.space.provider,
        "model": row.space.model,
        "dimension": row.space.dimension,
        "vectors": None if counts is None else counts.vectors,
        "refused": 0 if counts is None else counts.refused,
        "is_dropping": row.is_dropping,
        "problem": row.problem,
        **{name: None if moment is None else moment.isoformat() for name, moment in moments.items()},
    }
