"""The routes of agents below `/v1`: run an agent; list and add the memories of a user."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request, Response

from afterturn.principal import Right
from api_shim.agents import addressee, bodies, user_memories
from api_shim.agents.addressee import AgentId, QueriedUser
from api_shim.agents.run_response import RunResponse
from api_shim.agents.schemas import (
    AddedMemoriesOut,
    AddMemoriesIn,
    AddMemoryIn,
    RunOut,
    UserMemoriesOut,
    UserMemoryOut,
)
from api_shim.http.idempotency import RequestId, choose_edit_id
from api_shim.http.pages import Cursor, Limit
from api_shim.http.principal import CallerPrincipal
from api_shim.http.routes import make_router
from api_shim.http.schemas import ErrorOut

router = make_router("/v1/agents/{agent_id:id}")

#: One server-sent event of a stream.
_EVENT = {
    "type": "object",
    "properties": {
        "event": {"type": "string", "enum": ["RunStarted", "RunContent", "RunCompleted", "RunError"]},
        "data": {"type": "string", "description": "a JSON object"},
    },
    "required": ["event", "data"],
}
#: The answers of a run, for the OpenAPI document.
RUN_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": RunOut, "content": {"text/event-stream": {"schema": _EVENT}}},
    409: {"model": ErrorOut, "description": "A request with this Idempotency-Key had another message."},
    415: {"model": ErrorOut, "description": "The body is neither JSON nor a form."},
    502: {"model": ErrorOut, "description": "The model refused to answer, or its answer is empty."},
}
Topics = Annotated[
    list[str] | None,
    Query(
        max_length=100,
        description="only memories with all of these topics, in upper or lower case; one text may have several, "
        "between commas",
    ),
]


@router.post(
    "/run",
    operation_id="run_agent",
    summary="Answer a message with memory",
    response_class=Response,
    responses=RUN_RESPONSES,
    openapi_extra=bodies.REQUEST_BODY,
)
async def run(request: Request, caller: CallerPrincipal, agent_id: AgentId, request_id: RequestId) -> Response:
    """Answer a message of a user through the configured model, with what is known of the user. Both become turns.

    With `stream`, the answer is a stream of the events RunStarted, RunContent and RunCompleted, or RunError at its end.
    It needs the rights to read and to write.
    """
    body = await bodies.read_run(request)
    asked = addressee.make_run(request, caller, agent_id, body, request_id, is_stream=False)
    return RunResponse(request.app.state.agents, asked)


@router.get("/memories", operation_id="list_agent_memories", summary="List the memories of a user")
async def list_memories(
    request: Request,
    caller: CallerPrincipal,
    agent_id: AgentId,
    user_id: QueriedUser = None,
    topics: Topics = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> UserMemoriesOut:
    """Return what is known of a user: current facts, the most recently said first. All agents share them."""
    owner, memory = addressee.open_client(request, caller, Right.READ, user_id, agent_id)
    wanted = user_memories.split_topics(topics or ())
    facts, next_cursor = await user_memories.list_page(memory, wanted, limit=limit, cursor=cursor)
    return UserMemoriesOut(data=[user_memories.describe(fact, owner) for fact in facts], next_cursor=next_cursor)


@router.post("/memories", operation_id="add_agent_memory", status_code=202, summary="Add a memory")
async def add_memory(
    request: Request, caller: CallerPrincipal, agent_id: AgentId, body: AddMemoryIn, request_id: RequestId
) -> UserMemoryOut:
    """Add a fact about a user. It takes effect in about a second."""
    owner, memory = addressee.open_client(request, caller, Right.WRITE, body.user_id, agent_id)
    [added] = await user_memories.add(memory, owner, [body], edit_id=choose_edit_id(None, request_id))
    return added


@router.post("/memories/batch", operation_id="add_agent_memories", status_code=202, summary="Add memories")
async def add_memories(
    request: Request, caller: CallerPrincipal, agent_id: AgentId, body: AddMemoriesIn, request_id: RequestId
) -> AddedMemoriesOut:
    """Add facts about a user, all or none, in one round trip to Redis."""
    owner, memory = addressee.open_client(request, caller, Right.WRITE, body.user_id, agent_id)
    edit_id = choose_edit_id(None, request_id)
    return AddedMemoriesOut(data=await user_memories.add(memory, owner, body.memories, edit_id=edit_id))
