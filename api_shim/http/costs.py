"""The route of a user's costs."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from afterturn.llm.costs import DAYS_LIMIT, CostGrouping
from api_shim.http.principal import UserReader

router = APIRouter(prefix="/v1/users/{user_id}/costs")


class CostOut(BaseModel):
    """What some calls came to."""

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
    """Days: the newest first. Otherwise the costliest first."""

    costs: list[CostOut]


@router.get("", summary="What the LLM calls for a user came to")
async def costs(
    memory: UserReader,
    by: Annotated[CostGrouping, Query(description="what they are counted by; user gives one sum")] = "day",
    days: Annotated[int, Query(ge=1, le=DAYS_LIMIT, description="of the last days, in UTC")] = 30,
) -> CostsOut:
    """Return calls and tokens."""
    return CostsOut(costs=[CostOut.model_validate(found) for found in await memory.costs(by=by, days=days)])
