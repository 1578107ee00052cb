"""The routes that read and edit a user's facts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import HTTPException, Path, Query, Response

from afterturn import AsyncMemoryClient
from afterturn.facts.fact import TimeAxis
from afterturn.lives import LifeName
from api_shim.http.fact_schemas import AddFactsIn, ChangeFactIn, FactIdsOut, FactOut, FactsOut, FactVersionsOut
from api_shim.http.idempotency import RequestId, choose_edit_id
from api_shim.http.pages import Cursor, Limit, next_cursor
from api_shim.http.principal import UserReader, UserWriter
from api_shim.http.routes import make_router

FactId = Annotated[
    str,
    Path(
        description="the id of the fact; for its history, the id of any version", json_schema_extra={"format": "uuid"}
    ),
]


async def _require_fact(memory: AsyncMemoryClient, fact_id: str) -> None:
    """Answer 404 if the user has no such fact: its edit would have no effect."""
    if not await memory.has_fact(fact_id):
        raise HTTPException(404, "this user has no fact with this id")


EditId = Annotated[str | None, Query(description="an id that the caller chooses; repeating it has no further effect")]

router = make_router("/v1/users/{user_id:id}/facts")


@router.get("", operation_id="list_facts", summary="List facts")
async def find(
    memory: UserReader,
    subject: Annotated[str | None, Query(description="only facts about the person or thing with this name")] = None,
    attribute: Annotated[str | None, Query(description="only facts with this attribute, such as lives_in")] = None,
    topic: Annotated[str | None, Query(description="only facts with this topic")] = None,
    category: Annotated[str | None, Query(description="only facts of this category, such as place")] = None,
    life: Annotated[LifeName | None, Query(description="only facts of this kind")] = None,
    include_superseded: Annotated[bool, Query(description="also superseded facts, and facts that have faded")] = False,
    include_faded: Annotated[bool, Query(description="also plans and states that nobody spoke of for a while")] = False,
    as_of: Annotated[datetime | None, Query(description="the facts at this time, with a timezone")] = None,
    time: Annotated[
        TimeAxis, Query(description="facts that were true (world) or stored as current (recorded) at as_of")
    ] = "world",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> FactsOut:
    """Return the user's facts with their evidence, the most recently said first."""
    facts = await memory.facts(
        subject=subject,
        attribute=attribute,
        topic=topic,
        category=category,
        life=life,
        include_superseded=include_superseded,
        include_faded=include_faded,
        as_of=as_of,
        time=time,
        limit=limit,
        cursor=cursor,
    )
    return FactsOut(facts=[FactOut.model_validate(fact) for fact in facts], next_cursor=next_cursor(facts, limit))


@router.get("/{fact_id:id}/history", operation_id="list_fact_versions", summary="List all versions of a fact")
async def history(memory: UserReader, fact_id: FactId) -> FactVersionsOut:
    """Return all versions of a fact, oldest first. The list is empty if the fact does not exist."""
    return FactVersionsOut(facts=[FactOut.model_validate(fact) for fact in await memory.fact_history(fact_id)])


@router.post(
    "/{fact_id:id}/keep", operation_id="keep_fact", status_code=202, summary="Keep one of two contradicting facts"
)
async def keep(memory: UserWriter, fact_id: FactId, request_id: RequestId, edit_id: EditId = None) -> Response:
    """Settle the contradictions of a fact: it stays, and the facts that contradict it are superseded."""
    await _require_fact(memory, fact_id)
    await memory.keep_fact(fact_id, edit_id=choose_edit_id(edit_id, request_id))
    return Response(status_code=202)


@router.post("", operation_id="add_facts", status_code=202, summary="Add facts")
async def add(memory: UserWriter, body: AddFactsIn, request_id: RequestId) -> FactIdsOut:
    """Add facts that a person entered, all or none, in one round trip to Redis."""
    facts = [fact.model_dump() for fact in body.facts]
    return FactIdsOut(fact_ids=await memory.add_facts(facts, edit_id=choose_edit_id(body.edit_id, request_id)))


@router.patch("/{fact_id:id}", operation_id="change_fact", status_code=202, summary="Correct, pin or unpin a fact")
async def change(memory: UserWriter, fact_id: FactId, body: ChangeFactIn, request_id: RequestId) -> FactIdsOut:
    """Supersede a fact by a corrected one, or pin or unpin it. Returns the id of the current fact."""
    await _require_fact(memory, fact_id)
    edit_id = choose_edit_id(body.edit_id, request_id)
    if body.text is not None:
        fields = body.model_dump(exclude={"text", "edit_id"})
        return FactIdsOut(fact_ids=[await memory.correct_fact(fact_id, body.text, **fields, edit_id=edit_id)])
    set_pinned = memory.pin_fact if body.pinned else memory.unpin_fact
    await set_pinned(fact_id, edit_id=edit_id)
    return FactIdsOut(fact_ids=[fact_id])


@router.delete("/{fact_id:id}", operation_id="retract_fact", status_code=202, summary="Retract a fact")
async def delete(memory: UserWriter, fact_id: FactId, request_id: RequestId, edit_id: EditId = None) -> Response:
    """Retract a fact. Its history still shows it."""
    await _require_fact(memory, fact_id)
    await memory.delete_fact(fact_id, edit_id=choose_edit_id(edit_id, request_id))
    return Response(status_code=202)
