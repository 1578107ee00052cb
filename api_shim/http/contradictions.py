"""The route that lists the contradictions of a user's facts."""

from __future__ import annotations

from api_shim.http.fact_schemas import ContradictionOut, ContradictionsOut
from api_shim.http.pages import Limit
from api_shim.http.principal import UserReader
from api_shim.http.routes import make_router

router = make_router("/v1/users/{user_id:id}/contradictions")


@router.get("", operation_id="list_contradictions", summary="List contradictions")
async def find(memory: UserReader, limit: Limit = 100) -> ContradictionsOut:
    """Return the pairs of current facts that cannot both be true, those found last first."""
    pairs = await memory.contradictions(limit=limit)
    return ContradictionsOut(contradictions=[ContradictionOut.model_validate(pair) for pair in pairs])
