"""The open work in Postgres and its age: turns without a batch, open batches, leases, summaries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from afterturn.database import queries
from afterturn.database.statement import Row, Statement, Steps

_SQL = queries.load("backlog")

#: The steps of an open batch. It waits to be extracted, embedded, judged, applied, in this order.
STEPS = ("pending", "extracted", "unjudged", "embedded")
#: Queries that return one row.
_COUNTS = ("uncut", "leases", "summaries", "erasures", "imported", "discarded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncut:
    """Archived turns that belong to no batch."""

    sessions: int
    turns: int
    #: The age of the oldest turn since it was acknowledged; None if there is none.
    oldest_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Open batches at one step."""

    count: int
    #: The age of their oldest turn since it was acknowledged; None if there is none.
    oldest_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """Open batches that workers do not process before a time, because their endpoint was away or they failed."""

    count: int
    #: When the last pause ends.
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leases:
    """Claims of workers on batches and summaries."""

    held: int
    #: The worker died or hangs. The sweep enqueues the work again.
    lapsed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """All open work."""

    uncut: Uncut
    #: By the names in STEPS.
    steps: dict[str, Step]
    paused: Paused
    leases: Leases
    owed_summaries: int
    unfinished_erasures: int
    #: Imported turns without a batch. They have low priority.
    imported_turns: int
    #: Dead batches that an operator gave up on.
    discarded: int

    @property
    def oldest_seconds(self) -> float | None:
        """The age of the oldest turn that is not processed yet, since it was acknowledged; None if there is none."""
        ages = (self.uncut.oldest_seconds, *(step.oldest_seconds for step in self.steps.values()))
        return max((age for age in ages if age is not None), default=None)


def read_backlog(
    tenant_id: str | None, user_id: str | None = None, *, redis_now: float | None = None
) -> Steps[Backlog]:
    """Return the open work of all tenants, of one tenant or of one user.

    `redis_now` is the Unix time by Redis's clock, by which turns are aged; None where Redis is away.
    """
    ids = {"tenant_id": tenant_id, "user_id": user_id, "redis_now": redis_now}
    batches, *counts = yield [Statement(_SQL[query], ids) for query in ("batches", *_COUNTS)]
    rows = {row["step"]: row for row in batches}
    ends = [row["paused_until"] for row in batches if row["paused_until"] is not None]
    # Each of these queries returns one row.
    count = {query: found[0] for query, found in zip(_COUNTS, counts, strict=True)}
    return Backlog(
        uncut=Uncut(**count["uncut"]),
        steps={step: _step(rows.get(step)) for step in STEPS},
        paused=Paused(count=sum(row["paused"] for row in batches), until=max(ends, default=None)),
        leases=Leases(**count["leases"]),
        owed_summaries=count["summaries"]["owed"],
        unfinished_erasures=count["erasures"]["unfinished"],
        imported_turns=count["imported"]["turns"],
        discarded=count["discarded"]["discarded"],
    )


def _step(row: Row | None) -> Step:
    if row is None:
        return Step(count=0, oldest_seconds=None)
    return Step(count=row["count"], oldest_seconds=row["oldest_seconds"])
