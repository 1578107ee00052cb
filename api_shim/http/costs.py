"""The route of a user's LLM costs."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict

from afterturn.llm.costs import DAYS_LIMIT, CostGrouping
from api_shim.http.principal import UserReader
from api_shim.http.routes import make_router

router = make_router("/v1/users/{user_id:id}/costs")


class CostOut(BaseModel):
    """The number and tokens of a group of LLM calls."""

    model_config = ConfigDict(from_attributes=True)

    day: date | None
    stage: str | None
    batch_id: UUID | None
    calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    unfinished_calls: int
    reserved_tokens: int


class CostsOut(BaseModel):
    """One entry per group. Days are sorted newest first, other groups by most tokens first."""

    costs: list[CostOut]


@router.get("", operation_id="count_costs", summary="Count the LLM calls for a user")
async def costs(
    memory: UserReader,
    by: Annotated[CostGrouping, Query(description="the grouping; user gives one total")] = "day",
    days: Annotated[
        int, Query(ge=1, le=DAYS_LIMIT, description="the number of last days to count, in UTC, including today")
    ] = 30,
) -> CostsOut:
    """Return the number of LLM calls for the user, and their tokens."""
    return CostsOut(costs=[CostOut.model_validate(group) for group in await memory.costs(by=by, days=days)])
