"""The routes of a user's facts: reading them, and a person's edits."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from afterturn.facts.fact import TimeAxis
from api_shim.http.fact_schemas import AddFactsIn, ChangeFactIn, FactIdsOut, FactOut, FactsOut
from api_shim.http.principal import UserReader, UserWriter

FactId = Annotated[str, Path(description="which fact; any version of it where its history is meant")]
EditId = Annotated[str | None, Query(description="the caller's id; a repeated call with the same id is the same edit")]

router = APIRouter(prefix="/v1/users/{user_id}/facts")


@router.get("", summary="Facts by whom, what and when they are about")
async def find(
    memory: UserReader,
    subject: Annotated[str | None, Query(description="whom or what they are about, by name")] = None,
    attribute: Annotated[str | None, Query(description="which property of it")] = None,
    topic: Annotated[str | None, Query(description="a word that one would look for")] = None,
    category: Annotated[str | None, Query(description="such as place or preference")] = None,
    include_superseded: Annotated[bool, Query(description="those as well whose place was taken")] = False,
    as_of: Annotated[datetime | None, Query(description="the facts of that moment, with a timezone")] = None,
    time: Annotated[TimeAxis, Query(description="what as_of means: true then (world) or believed then")] = "world",
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> FactsOut:
    """Return the user's facts, those said last first."""
    found = await memory.facts(
        subject=subject,
        attribute=attribute,
        topic=topic,
        category=category,
        include_superseded=include_superseded,
        as_of=as_of,
        time=time,
        limit=limit,
    )
    return FactsOut(facts=[FactOut.model_validate(fact) for fact in found])


@router.get("/{fact_id}/history", summary="All versions of a fact")
async def history(memory: UserReader, fact_id: FactId) -> FactsOut:
    """Return what it took the place of and what took its place, oldest first; nothing where there is no such fact."""
    return FactsOut(facts=[FactOut.model_validate(fact) for fact in await memory.fact_history(fact_id)])


@router.post("", status_code=202, summary="Add facts by hand")
async def add(memory: UserWriter, body: AddFactsIn) -> FactIdsOut:
    """Add one fact or many in one round trip, all or none."""
    facts = [fact.model_dump() for fact in body.facts]
    return FactIdsOut(fact_ids=await memory.add_facts(facts, edit_id=body.edit_id))


@router.patch("/{fact_id}", status_code=202, summary="Correct, pin or unpin a fact")
async def change(memory: UserWriter, fact_id: FactId, body: ChangeFactIn) -> FactIdsOut:
    """Put another fact in its place, or pin it, or not. Returns the id of the fact that is there then."""
    if body.text is not None:
        said = body.model_dump(exclude={"text"})
        return FactIdsOut(fact_ids=[await memory.correct_fact(fact_id, body.text, **said)])
    act = memory.pin_fact if body.pinned else memory.unpin_fact
    await act(fact_id, edit_id=body.edit_id)
    return FactIdsOut(fact_ids=[fact_id])


@router.delete("/{fact_id}", status_code=202, summary="Believe a fact no more")
async def delete(memory: UserWriter, fact_id: FactId, edit_id: EditId = None) -> Response:
    """Retract it. Its history still tells of it."""
    await memory.delete_fact(fact_id, edit_id=edit_id)
    return Response(status_code=202)
