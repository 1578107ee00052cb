"""The progress of a tenant's turns through the stages, the time they took, and their cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from afterturn.database import queries
from afterturn.database.statement import Statement, Steps
from afterturn.database.steps import read_row, read_rows

_SQL = queries.load("progress")

#: The stages from a written turn to searchable facts, in order.
STAGES = ("archive", "cut", "extract", "embed", "consolidate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Counts per stage. A turn that has passed a stage is also counted in all stages before it."""

    sessions: int
    archived_turns: int
    #: Archived, but not in a batch yet.
    uncut_turns: int
    extracted_turns: int
    embedded_turns: int
    applied_turns: int
    #: Sessions whose summary covers all their turns.
    summarized_sessions: int
    batches: int
    #: Neither applied nor dead.
    open_batches: int
    #: Dead and not discarded.
    dead_batches: int
    discarded_batches: int
    current_facts: int
    superseded_facts: int

    @property
    def is_settled(self) -> bool:
        """Whether no archived turn waits for a stage. Turns of dead batches are not waited for."""
        has_all_batches = self.uncut_turns == 0 and self.open_batches == 0
        has_lost_some = self.dead_batches + self.discarded_batches > 0
        return has_all_batches and (self.summarized_sessions == self.sessions or has_lost_some)


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """Seconds since a turn was acknowledged; None if no turn has come this far."""

    #: To its row in Postgres.
    archived_p50: float | None
    archived_p95: float | None
    #: To the facts of its batch.
    searchable_p50: float | None
    searchable_p95: float | None


@dataclass(frozen=True, slots=True)
class Delay:
    """Seconds; None if no turn has come this far."""

    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageDelays:
    """The time that turns spent in each stage, from their acknowledgement to their facts."""

    #: The number of turns that were measured.
    turns: int
    #: By the names in STAGES: the time from the end of the previous stage to the end of this one.
    stages: dict[str, Delay]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """LLM calls and their tokens."""

    calls: int
    prompt_tokens: int
    completion_tokens: int


def read_progress(tenant_id: str) -> Steps[Progress]:
    """Return the tenant's counts."""
    row = yield from read_row(Statement(_SQL["progress"], {"tenant_id": tenant_id}))
    return Progress(**row)


def read_dead_reasons(tenant_id: str | None, user_id: str | None = None) -> Steps[dict[str, int]]:
    """Return the reasons of dead batches, with their counts. Without ids: of all tenants, or of all users."""
    rows = yield from read_rows(_statement("dead_reasons", tenant_id, user_id))
    return {row["reason"]: row["batches"] for row in rows}


def read_rejected(tenant_id: str | None, user_id: str | None = None, *, since: datetime) -> Steps[dict[str, int]]:
    """Return the reasons why candidates or parts of them were rejected since a time, with their counts."""
    rows = yield from read_rows(_statement("rejected", tenant_id, user_id, since=since))
    return {row["reason"]: row["candidates"] for row in rows}


def read_freshness(
    tenant_id: str | None, user_id: str | None = None, *, seconds: float | None = None
) -> Steps[Freshness]:
    """Return the times until turns of the last `seconds` were archived and were searchable.

    Without a number it reads all turns, which is slow: do not call it often.
    """
    row = yield from read_row(_statement("freshness", tenant_id, user_id, seconds=seconds))
    return Freshness(**row)


def read_stage_delays(
    tenant_id: str | None, user_id: str | None = None, *, seconds: float | None = None
) -> Steps[StageDelays]:
    """Return how long each stage took, for the turns that became searchable in the last `seconds`."""
    row = yield from read_row(_statement("stage_delays", tenant_id, user_id, seconds=seconds))
    delays = {stage: Delay(*row[stage]) if row[stage] else Delay(None, None) for stage in STAGES}
    return StageDelays(turns=row["turns"], stages=delays)


def read_cost(tenant_id: str | None, user_id: str | None = None, *, since: datetime | None = None) -> Steps[Cost]:
    """Return the cost of LLM calls, since a time or of all time."""
    row = yield from read_row(_statement("cost", tenant_id, user_id, since=since))
    return Cost(**row)


def _statement(query: str, tenant_id: str | None, user_id: str | None, **arguments: Any) -> Statement:
    return Statement(_SQL[query], {"tenant_id": tenant_id, "user_id": user_id} | arguments)
