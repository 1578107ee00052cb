"""How far a tenant's turns have come through the stages, how long they took, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass

from afterturn.database import queries
from afterturn.database.pool import Connection

_SQL = queries.load("progress")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Counts per stage. A turn that has come to a stage is counted in all the stages before it as well."""

    sessions: int
    archived_turns: int
    #: Archived, but of no batch yet.
    uncut_turns: int
    extracted_turns: int
    embedded_turns: int
    applied_turns: int
    #: Sessions whose summary holds all that was said in them.
    summarized_sessions: int
    batches: int
    #: Neither applied nor dead.
    open_batches: int
    dead_batches: int
    current_facts: int
    superseded_facts: int

    @property
    def is_settled(self) -> bool:
        """Whether nothing that is archived waits for a stage. What dead batches held is not waited for."""
        has_all_batches = self.uncut_turns == 0 and self.open_batches == 0
        return has_all_batches and (self.summarized_sessions == self.sessions or self.dead_batches > 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """Seconds from the acknowledgement of a turn; None where nothing has come so far."""

    #: To its row in Postgres.
    archived_p50: float | None
    archived_p95: float | None
    #: To the facts of its batch.
    searchable_p50: float | None
    searchable_p95: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """LLM calls, and the tokens that they took."""

    calls: int
    prompt_tokens: int
    completion_tokens: int


def read(connection: Connection, tenant_id: str) -> Progress:
    """Return the tenant's counts. The connection must be a worker's, which sees all users."""
    row = connection.execute(_SQL["progress"], {"tenant_id": tenant_id}).fetchone()
    assert row is not None, "a count is always one row"
    return Progress(**row)


def read_dead_reasons(connection: Connection, tenant_id: str) -> dict[str, int]:
    """Return why batches of the tenant are dead, and how many for each reason."""
    rows = connection.execute(_SQL["dead_reasons"], {"tenant_id": tenant_id}).fetchall()
    return {row["reason"]: row["batches"] for row in rows}


def read_freshness(connection: Connection, tenant_id: str) -> Freshness:
    """Return how long the tenant's turns took. It reads all of them: not for every second."""
    row = connection.execute(_SQL["freshness"], {"tenant_id": tenant_id}).fetchone()
    assert row is not None, "an aggregate is always one row"
    return Freshness(**row)


def read_cost(connection: Connection, tenant_id: str) -> Cost:
    """Return what the tenant's LLM calls came to."""
    row = connection.execute(_SQL["cost"], {"tenant_id": tenant_id}).fetchone()
    assert row is not None, "a count is always one row"
    return Cost(**row)
