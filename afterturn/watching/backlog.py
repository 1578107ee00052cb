"""What is owed in Postgres just now, and for how long: turns without a batch, open batches, leases, summaries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from afterturn.database import queries
from afterturn.database.pool import Connection

_SQL = queries.load("backlog")

#: Where an open batch may stand: waiting to be extracted, to be embedded, to be judged, to be applied.
STEPS = ("pending", "extracted", "unjudged", "embedded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncut:
    """Archived turns that belong to no batch."""

    sessions: int
    turns: int
    #: Since the oldest was acknowledged; None where there is none.
    oldest_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Open batches that stand at one step."""

    count: int
    #: Since the oldest of their turns was acknowledged; None where there is none.
    oldest_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """Open batches that nobody takes up before a time: their endpoint was away, or they failed."""

    count: int
    #: When the last of them goes on.
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leases:
    """Claims of workers on batches and summaries."""

    held: int
    #: Their holder died or hangs; the sweep hands the work out again.
    lapsed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """All that is owed."""

    uncut: Uncut
    #: By the names in STEPS.
    steps: dict[str, Step]
    paused: Paused
    leases: Leases
    owed_summaries: int
    unfinished_erasures: int
    #: Of old conversations, and of no batch yet: they are in no hurry.
    imported_turns: int
    #: Dead batches that an operator gave up on.
    discarded: int

    @property
    def oldest_seconds(self) -> float | None:
        """Since the oldest turn that is no fact yet was acknowledged; None where all are."""
        ages = (self.uncut.oldest_seconds, *(step.oldest_seconds for step in self.steps.values()))
        return max((age for age in ages if age is not None), default=None)


def read(connection: Connection, tenant_id: str | None, user_id: str | None = None) -> Backlog:
    """Return what is owed. Without ids: of all tenants, or of all users. The connection must be a worker's."""
    ids = {"tenant_id": tenant_id, "user_id": user_id}
    rows = {row["step"]: row for row in connection.execute(_SQL["batches"], ids).fetchall()}
    ends = [row["paused_until"] for row in rows.values() if row["paused_until"] is not None]
    return Backlog(
        uncut=Uncut(**_one(connection, "uncut", ids)),
        steps={step: _step(rows.get(step)) for step in STEPS},
        paused=Paused(count=sum(row["paused"] for row in rows.values()), until=max(ends, default=None)),
        leases=Leases(**_one(connection, "leases", ids)),
        owed_summaries=_one(connection, "summaries", ids)["owed"],
        unfinished_erasures=_one(connection, "erasures", ids)["unfinished"],
        imported_turns=_one(connection, "imported", ids)["turns"],
        discarded=_one(connection, "discarded", ids)["discarded"],
    )


def _step(row: dict[str, Any] | None) -> Step:
    if row is None:
        return Step(count=0, oldest_seconds=None)
    return Step(count=row["count"], oldest_seconds=row["oldest_seconds"])


def _one(connection: Connection, query: str, ids: dict[str, str | None]) -> dict[str, Any]:
    row = connection.execute(_SQL[query], ids).fetchone()
    assert row is not None, "a count is always one row"
    return row
