"""The routes of one session: write, read and remove turns, recall, flush."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Response

from afterturn import page_cursors
from api_shim.http.idempotency import RequestId, add_turn_ids
from api_shim.http.pages import Cursor, Limit
from api_shim.http.principal import AgentWriter, SessionId, SessionReader, SessionWriter, UserId
from api_shim.http.routes import make_router
from api_shim.http.schemas import (
    ErrorOut,
    HistoryOut,
    MemoryOut,
    RecallBody,
    RecallIn,
    RecallOut,
    RemovedOut,
    TurnOut,
    WriteIn,
    WriteOut,
)

router = make_router("/v1/users/{user_id:id}/sessions/{session_id:id}")


@router.post("/turns", operation_id="write_turns", status_code=201, summary="Write turns")
async def write(memory: AgentWriter, body: WriteIn, request_id: RequestId) -> WriteOut:
    """Write turns, all or none, in one round trip to Redis."""
    add_turn_ids(body.turns, request_id)
    return WriteOut(turn_ids=await memory.write_many(turn.arguments() for turn in body.turns))


@router.get("/turns", operation_id="list_turns", summary="List the last turns of a session")
async def history(
    memory: SessionReader, user_id: UserId, session_id: SessionId, limit: Limit = 20, cursor: Cursor = None
) -> HistoryOut:
    """Return the last turns of the session, oldest first, including turns that are not archived yet.

    `next_cursor` leads to the turns before them.
    """
    scope = ("turns", user_id, session_id)
    place = page_cursors.decode(scope, cursor, size=1)
    turns = await memory.history(limit, before=None if place is None else place[0])
    return HistoryOut(
        turns=[TurnOut.model_validate(turn) for turn in turns],
        next_cursor=page_cursors.encode(scope, turns[0].turn_id) if len(turns) == limit else None,
    )


@router.delete("/turns", operation_id="clear_session", status_code=202, summary="Clear a session")
async def clear(memory: SessionWriter) -> RemovedOut:
    """Remove all turns that the session has now. They are hidden at once, as with the removal of one turn."""
    return RemovedOut(removed=await memory.clear_session())


@router.post("/close", operation_id="close_session", status_code=202, summary="Close a session")
async def close(memory: SessionWriter) -> Response:
    """Say that the conversation has ended: its pending turns are processed now, and its summary is made.

    A turn that is written later continues the session.
    """
    await memory.close_session()
    return Response(status_code=202)


@router.delete("/turns/{turn_id:id}", operation_id="remove_turn", status_code=202, summary="Remove a turn")
async def remove(memory: SessionWriter, turn_id: Annotated[str, Path(description="the id of the turn")]) -> Response:
    """Remove a turn. It is hidden at once; facts and summaries without other evidence are deleted soon after."""
    await memory.remove(turn_id)
    return Response(status_code=202)


@router.get("/memories", operation_id="recall", summary="Recall memories")
async def recall(memory: SessionReader, request: Annotated[RecallIn, Query()]) -> RecallOut:
    """Return the memories that answer `query`, best first; without a query, the newest turns, newest first."""
    memories = await memory.recall(**{name: getattr(request, name) for name in RecallIn.model_fields})
    return RecallOut(memories=[MemoryOut.model_validate(recalled) for recalled in memories])


@router.post("/recall", operation_id="recall_with_body", summary="Recall memories with a long query")
async def recall_long(memory: SessionReader, request: RecallBody) -> RecallOut:
    """Do the same as `GET …/memories`, for queries that are too long for a URL (64 KB)."""
    return await recall(memory, request)


@router.post(
    "/flush",
    operation_id="flush",
    status_code=202,
    summary="Process pending turns now",
    responses={204: {"description": "the turns are processed"}, 424: {"model": ErrorOut}, 504: {"model": ErrorOut}},
)
async def flush(
    memory: SessionWriter,
    wait_seconds: Annotated[float | None, Query(ge=0, le=300, description="the longest time to wait, seconds")] = None,
) -> Response:
    """Cut and process pending turns without waiting for a full batch.

    With `wait_seconds` the answer comes when the turns are processed (204), when a batch of them is dead (424,
    `flush_failed`), or after that time (504, `flush_timeout`).
    """
    await memory.flush(wait_seconds)
    return Response(status_code=202 if wait_seconds is None else 204)
