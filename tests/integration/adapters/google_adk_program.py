"""What the memory service for Google ADK does, as a program: ADK needs an environment of its own.

It runs with the servers of its environment while workers run, and prints the name of each check that passed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.events.event import Event
from google.adk.memory.memory_entry import MemoryEntry
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import Runner
from google.adk.sessions.in_memory_session_service import InMemorySessionService
from google.adk.sessions.session import Session
from google.adk.tools.preload_memory_tool import PreloadMemoryTool
from google.genai import types

from afterturn import MemoryClient
from afterturn.errors import InvalidInput
from api_shim.adapters.google_adk import AfterturnMemoryService

SECONDS = 60
service = AfterturnMemoryService()


def event(name: str, text: str, author: str = "user", **fields: Any) -> Event:
    return Event(id=name, author=author, content=types.Content(role="user", parts=[types.Part(text=text)]), **fields)


async def search(query: str, user_id: str, app_name: str = "shop") -> list[MemoryEntry]:
    found = await service.search_memory(app_name=app_name, user_id=user_id, query=query)
    return list(found.memories)


def texts(memories: list[MemoryEntry]) -> list[str]:
    return [str((memory.content.parts or [])[0].text) for memory in memories]


async def wait_for(text: str, query: str, user_id: str) -> MemoryEntry:
    for _ in range(SECONDS * 4):
        for memory in await search(query, user_id):
            if texts([memory]) == [text]:
                return memory
        await asyncio.sleep(0.25)
    raise AssertionError(f"not found: {text}")


async def check_a_session_may_be_added_again_and_again() -> None:
    session = Session(id="s1", app_name="shop", user_id="ana", events=[event("e1", "I live in Lisbon.")])
    await service.add_session_to_memory(session)
    await service.add_session_to_memory(session)
    session.events += [event("e2", "Noted.", "concierge"), event("e3", "I wo", "concierge", partial=True)]
    await service.add_session_to_memory(session)
    session.events[0] = event("e1", "Another text with the same id.")
    await service.add_session_to_memory(session)
    history = MemoryClient("ana", "shop/s1").history()
    assert [(turn.role, turn.content) for turn in history] == [
        ("user", "I live in Lisbon."),
        ("assistant", "Noted."),
    ], history
    assert {turn.agent_id for turn in history} == {"shop"}


async def check_what_was_said_is_found_as_a_fact() -> None:
    memory = await wait_for("The user lives in Lisbon.", "Where does the user live?", "ana")
    assert memory.id and memory.timestamp and memory.author


async def check_other_users_and_other_apps_see_nothing() -> None:
    assert await search("Where does the user live?", "ben") == []
    assert await search("Where does the user live?", "ana", "bank") == []
    assert await search(" ", "ana") == []


async def check_memories_are_added_by_hand_and_deleted() -> None:
    content = types.Content(role="user", parts=[types.Part(text="Cleo plays the cello.")])
    await service.add_memory(app_name="shop", user_id="cleo", memories=[MemoryEntry(content=content)])
    memory = await wait_for("Cleo plays the cello.", "cello", "cleo")
    await service.add_events_to_memory(app_name="shop", user_id="cleo", events=[event("x", "My cello is old.")])
    [said] = [found for found in await search("old cello", "cleo") if texts([found]) == ["My cello is old."]]
    for found in (memory, said):
        await service.delete_memory(app_name="shop", user_id="cleo", memory_id=found.id)
    # Written again, it stays removed.
    await service.add_events_to_memory(app_name="shop", user_id="cleo", events=[event("x", "My cello is old.")])
    for _ in range(SECONDS * 4):
        if not await search("cello", "cleo"):
            break
        await asyncio.sleep(0.25)
    assert await search("cello", "cleo") == []
    await service.delete_memory(app_name="shop", user_id="cleo")
    try:
        await service.delete_memory(app_name="shop", user_id="cleo", memory_id="nonsense")
    except InvalidInput:
        return
    raise AssertionError("an id that no search returned is accepted")


class Recorder(BaseLlm):
    """A model that keeps what it is told."""

    told: list[str] = []  # noqa: RUF012

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        self.told.append(f"{llm_request.config.system_instruction} {llm_request.contents}")
        yield LlmResponse(content=types.Content(role="model", parts=[types.Part(text="Noted.")]))


async def check_an_agent_of_a_runner_is_shown_the_memory() -> None:
    model = Recorder(model="recorder")
    agent = LlmAgent(name="concierge", model=model, tools=[PreloadMemoryTool()])
    sessions = InMemorySessionService()
    runner = Runner(app_name="shop", agent=agent, session_service=sessions, memory_service=service)
    for session_id, said in (("monday", "I live in Porto."), ("friday", "Where do I live?")):
        await sessions.create_session(app_name="shop", user_id="dan", session_id=session_id)
        message = types.Content(role="user", parts=[types.Part(text=said)])
        async for _ in runner.run_async(user_id="dan", session_id=session_id, new_message=message):
            pass
        session = await sessions.get_session(app_name="shop", user_id="dan", session_id=session_id)
        assert session is not None
        await service.add_session_to_memory(session)
        if session_id == "monday":
            await wait_for("The user lives in Porto.", "Where does the user live?", "dan")
    assert "Porto" in model.told[-1], model.told


async def main() -> None:
    for name, check in list(globals().items()):
        if name.startswith("check_"):
            await check()
            print(name, flush=True)


asyncio.run(main())
