"""The use of the LLM since midnight (UTC), by stage and model."""

from __future__ import annotations

from dataclasses import dataclass

from afterturn.database import queries
from afterturn.database.statement import Statement, Steps
from afterturn.database.steps import read_rows

_SQL = queries.load("progress")


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmUsage:
    """The calls of one stage to one model."""

    stage: str
    model: str
    calls: int
    #: Calls that did not end, or failed.
    failed_calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    #: The time that the calls took, added up.
    seconds: float


def read_llm_usage_today(tenant_id: str | None) -> Steps[list[LlmUsage]]:
    """Return the use of the LLM since midnight; without a tenant, of all tenants."""
    rows = yield from read_rows(Statement(_SQL["llm_usage_today"], {"tenant_id": tenant_id}))
    return [LlmUsage(**row) for row in rows]
