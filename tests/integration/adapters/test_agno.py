"""Agno's agents with the memory manager and the summary manager, while workers archive and learn."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from agno.agent import Agent
from agno.db.in_memory import InMemoryDb
from agno.memory import UserMemory
from agno.models.openai import OpenAIChat

from afterturn.errors import InvalidInput
from afterturn.local.stack import Stack
from afterturn.settings import Settings
from api_shim import MemoryClient
from api_shim.adapters.agno import AfterturnMemoryManager, AfterturnSummaryManager
from harness.llm_server import LLMServer
from harness.llm_server.answers import ToolCall
from harness.waiting import wait_until


def answer(request: Mapping[str, Any]) -> str | ToolCall:
    """Use the tools as told; otherwise say something."""
    said = str(request["messages"][-1]["content"])
    names = {tool["function"]["name"] for tool in request.get("tools") or ()}
    if "update_user_memory" in names and said.startswith("Please remember"):
        return ToolCall("update_user_memory", json.dumps({"task": "Add that Ana plays the cello."}))
    if "add_memory" in names and said.startswith("Add that"):
        return ToolCall("add_memory", json.dumps({"memory": "Ana plays the cello.", "topics": ["music"]}))
    return "Noted."


@pytest.fixture
def server() -> Iterator[LLMServer]:
    with LLMServer(answer=answer) as running:
        yield running


@pytest.fixture
def memories(settings: Settings) -> AfterturnMemoryManager:
    return AfterturnMemoryManager(user_name="Ana", settings=settings)


def make_agent(server: LLMServer, **options: Any) -> Agent:
    model = OpenAIChat(id="test-model", base_url=server.base_url, api_key="none")
    return Agent(model=model, id="concierge", db=InMemoryDb(), telemetry=False, **options)


def run(agent: Agent, message: str, **options: Any) -> None:
    """Run an agent with asyncio, on an event loop of its own, with connections that are closed before it ends."""

    async def ask() -> None:
        assert isinstance(agent.model, OpenAIChat)
        async with httpx.AsyncClient() as client:
            agent.model.http_client, agent.model.async_client = client, None
            await agent.arun(message, **options)

    asyncio.run(ask())


def systems(server: LLMServer) -> str:
    """Return what the model was told in the last request."""
    messages = json.loads(server.requests[-1].body)["messages"]
    return "\n".join(str(message["content"]) for message in messages if message["role"] in ("system", "developer"))


def test_memories_are_made_automatically_and_shown_in_the_next_run(
    server: LLMServer, memories: AfterturnMemoryManager, workers: Stack
) -> None:
    agent = make_agent(server, memory_manager=memories, update_memory_on_run=True)
    agent.run("I live in Lisbon.", user_id="ana", session_id="monday")
    assert len(server.requests) == 1  # No call of a model for the memory.
    memories.open("ana").flush(wait_seconds=60)
    [memory] = agent.get_user_memories(user_id="ana") or []
    assert memory.memory == "Ana lives in Lisbon."
    assert memory.topics
    assert memory.user_id == "ana"
    agent.run("Where do I live?", user_id="ana", session_id="friday")
    assert "- Ana lives in Lisbon." in systems(server)
    agent.run("Where do I live?", user_id="ben", session_id="other")
    assert "Lisbon" not in systems(server)


def test_the_asyncio_calls_of_an_agent(server: LLMServer, memories: AfterturnMemoryManager, pipeline: Any) -> None:
    agent = make_agent(server, memory_manager=memories, update_memory_on_run=True)
    run(agent, "I live in Lisbon.", user_id="ana")
    pipeline.settle()
    run(agent, "Where do I live?", user_id="ana")
    assert "- Ana lives in Lisbon." in systems(server)


def test_memories_are_added_by_hand_one_or_many_and_found_by_topic(
    memories: AfterturnMemoryManager, pipeline: Any
) -> None:
    cello = memories.add_user_memory(UserMemory("Ana plays the cello.", topics=["music"]), user_id="ana")
    memories.add_user_memories(
        [
            UserMemory("Ana likes fado.", topics=["Music", "taste"]),
            UserMemory("Ana is a cook.", topics=["work"]),
            UserMemory("Ana is 40."),
        ],
        user_id="ana",
    )
    pipeline.settle()
    assert {memory.memory for memory in memories.search_user_memories(topics=["music"], user_id="ana")} == {
        "Ana plays the cello.",
        "Ana likes fado.",
    }
    assert [memory.memory for memory in memories.search_user_memories("cello", 1, user_id="ana")] == [
        "Ana plays the cello."
    ]
    [best] = memories.search_user_memories("What is her job?", 1, "agentic", "ana", topics=["work"])
    assert best.memory == "Ana is a cook."
    assert len(memories.search_user_memories(limit=2, retrieval_method="last_n", user_id="ana")) == 2
    found = memories.get_user_memory(cello, user_id="ana")
    assert found is not None and (found.memory, found.topics) == ("Ana plays the cello.", ["music"])
    assert memories.get_user_memories(user_id="ben") == []
    assert memories.get_user_memory(cello, user_id="ben") is None


def test_a_memory_is_replaced_deleted_and_cleared(memories: AfterturnMemoryManager, pipeline: Any) -> None:
    first = memories.add_user_memory(UserMemory("Ana lives in Rome.", topics=["place"]), user_id="ana")
    other = memories.add_user_memory(UserMemory("Ana is a cook."), user_id="ana")
    pipeline.settle()
    second = memories.replace_user_memory(first, UserMemory("Ana lives in Porto."), user_id="ana")
    memories.delete_user_memory(other, user_id="ana")
    memories.delete_user_memory(second, user_id="ben")
    pipeline.settle()
    [left] = memories.get_user_memories("ana")
    assert (left.memory, left.memory_id, left.topics) == ("Ana lives in Porto.", second, ["place"])
    with pytest.raises(InvalidInput):
        memories.clear()
    memories.clear_user_memories("ana")
    pipeline.settle()
    assert memories.get_user_memories("ana") == []


def test_the_tool_of_the_agent_adds_a_memory(
    server: LLMServer, memories: AfterturnMemoryManager, pipeline: Any
) -> None:
    agent = make_agent(server, memory_manager=memories, enable_agentic_memory=True)
    agent.run("Please remember that I play the cello.", user_id="ana")
    pipeline.settle()
    assert [(memory.memory, memory.topics) for memory in memories.get_user_memories("ana")] == [
        ("Ana plays the cello.", ["music"])
    ]


def test_sessions_have_the_summaries_of_the_workers(
    server: LLMServer, memories: AfterturnMemoryManager, settings: Settings, workers: Stack
) -> None:
    agent = make_agent(
        server,
        memory_manager=memories,
        update_memory_on_run=True,
        session_summary_manager=AfterturnSummaryManager(memories),
        enable_session_summaries=True,
    )
    agent.run("I live in Lisbon.", user_id="ana", session_id="trip")
    client = MemoryClient("ana", "trip", settings=settings)
    client.flush(wait_seconds=60)
    wait_until(lambda: client.summary() is not None, seconds=60, what=lambda: "no summary")
    agent.run("I work as a cook.", user_id="ana", session_id="trip")
    summary = agent.get_session_summary(session_id="trip")
    assert summary is not None and "Lisbon" in summary.summary
    assert summary.topics
    turns = client.history()
    assert [(turn.role, turn.content) for turn in turns] == [
        ("user", "I live in Lisbon."),
        ("assistant", "Noted."),
        ("user", "I work as a cook."),
        ("assistant", "Noted."),
    ]
    assert {turn.agent_id for turn in turns} == {"concierge"}
    # The messages are written once, with their session.
    assert MemoryClient("ana", "agno", settings=settings).history() == []
    assert len(server.requests) == 2
