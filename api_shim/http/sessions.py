"""The routes of one session: write, read and remove turns, recall, flush."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Response

from api_shim.http.principal import AgentWriter, SessionReader, SessionWriter
from api_shim.http.routes import make_router
from api_shim.http.schemas import (
    HistoryOut,
    MemoryOut,
    RecallBody,
    RecallIn,
    RecallOut,
    TurnOut,
    WriteIn,
    WriteOut,
)

router = make_router("/v1/users/{user_id:id}/sessions/{session_id:id}")


@router.post("/turns", status_code=201, summary="Write turns")
async def write(memory: AgentWriter, body: WriteIn) -> WriteOut:
    """Write turns, all or none, in one round trip to Redis."""
    return WriteOut(turn_ids=await memory.write_many(turn.arguments() for turn in body.turns))


@router.get("/turns", summary="List the last turns of a session")
async def history(memory: SessionReader, limit: Annotated[int, Query(ge=1, le=1_000)] = 20) -> HistoryOut:
    """Return the last turns of the session, oldest first, including turns that are not archived yet."""
    return HistoryOut(turns=[TurnOut.model_validate(turn) for turn in await memory.history(limit)])


@router.delete("/turns/{turn_id:id}", status_code=202, summary="Remove a turn")
async def remove(memory: SessionWriter, turn_id: Annotated[str, Path(description="the id of the turn")]) -> Response:
    """Remove a turn. It is hidden at once; facts and summaries without other evidence are deleted soon after."""
    await memory.remove(turn_id)
    return Response(status_code=202)


@router.get("/memories", summary="Recall memories")
async def recall(memory: SessionReader, request: Annotated[RecallIn, Query()]) -> RecallOut:
    """Return the memories that answer `query`, best first; without a query, the newest turns, newest first."""
    memories = await memory.recall(**{name: getattr(request, name) for name in RecallIn.model_fields})
    return RecallOut(memories=[MemoryOut.model_validate(recalled) for recalled in memories])


@router.post("/recall", summary="Recall memories with a long query")
async def recall_long(memory: SessionReader, request: RecallBody) -> RecallOut:
    """Do the same as `GET …/memories`, for queries that are too long for a URL (64 KB)."""
    return await recall(memory, request)


@router.post("/flush", status_code=202, summary="Process pending turns now")
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
