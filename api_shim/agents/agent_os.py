"""The routes of Agno's AgentOS, where its clients send them: runs of an agent, and the memories of a user."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Request, Response

from afterturn.principal import Right
from api_shim.agents import addressee, bodies, user_memories
from api_shim.agents.addressee import AgentId, QueriedUser
from api_shim.agents.routes import RUN_RESPONSES, Topics
from api_shim.agents.run_response import RunResponse
from api_shim.agents.schemas import AddMemoryIn, PageOut, UserMemoryOut, UserMemoryPageOut
from api_shim.http.idempotency import RequestId, choose_edit_id
from api_shim.http.principal import CallerPrincipal
from api_shim.http.routes import make_router

router = make_router()

#: The agent of calls that name none.
_ANY_AGENT = "agent-os"


@router.post(
    "/agents/{agent_id:id}/runs",
    operation_id="create_agent_run",
    summary="Answer a message with memory, as AgentOS",
    response_class=Response,
    responses=RUN_RESPONSES,
    openapi_extra=bodies.REQUEST_BODY,
)
async def create_run(request: Request, caller: CallerPrincipal, agent_id: AgentId, request_id: RequestId) -> Response:
    """Do the same as `POST /v1/agents/{agent_id}/run`. By default the answer is a stream."""
    body = await bodies.read_run(request)
    asked = addressee.make_run(request, caller, agent_id, body, request_id, is_stream=True)
    return RunResponse(request.app.state.agents, asked)


@router.get("/memories", operation_id="get_memories", summary="List the memories of a user, as AgentOS")
async def get_memories(
    request: Request,
    caller: CallerPrincipal,
    user_id: QueriedUser = None,
    topics: Topics = None,
    limit: Annotated[int, Query(ge=1, le=1_000, description="the largest number of memories of a page")] = 20,
    page: Annotated[int, Query(ge=1, le=10_000, description="the number of the page, from 1")] = 1,
    sort_by: Annotated[Literal["updated_at"], Query(description="the field to sort by")] = "updated_at",
    sort_order: Annotated[Literal["asc", "desc"], Query(description="desc: the most recently said first")] = "desc",
) -> UserMemoryPageOut:
    """Return one page of what is known of a user, of the 10,000 most recently said facts at most."""
    owner, memory = addressee.open_client(request, caller, Right.READ, user_id, _ANY_AGENT)
    wanted = user_memories.split_topics(topics or ())
    facts = await user_memories.list_all(memory, wanted)
    ordered = facts if sort_order == "desc" else facts[::-1]
    shown = ordered[(page - 1) * limit : page * limit]
    meta = PageOut(page=page, limit=limit, total_pages=-(-len(facts) // limit), total_count=len(facts))
    return UserMemoryPageOut(data=[user_memories.describe(fact, owner) for fact in shown], meta=meta)


@router.post("/memories", operation_id="create_memory", summary="Add a memory, as AgentOS")
async def create_memory(
    request: Request, caller: CallerPrincipal, body: AddMemoryIn, request_id: RequestId
) -> UserMemoryOut:
    """Add a fact about a user. It takes effect in about a second."""
    owner, memory = addressee.open_client(request, caller, Right.WRITE, body.user_id, _ANY_AGENT)
    [added] = await user_memories.add(memory, owner, [body], edit_id=choose_edit_id(None, request_id))
    return added
