"""The capability for Pydantic AI, while workers archive and learn."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, ImageUrl, RunContext
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, ToolCallPart, UserPromptPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.models.test import TestModel

from afterturn import settings as settings_module
from afterturn.errors import InvalidId
from afterturn.local.stack import Stack
from afterturn.settings import Settings
from api_shim import MemoryClient
from api_shim.adapters.pydantic_ai import AfterturnMemory


@dataclass
class Deps:
    user_id: str


class Recorder:
    """A model that keeps what it is asked, and calls the tools first, if there are any."""

    def __init__(self) -> None:
        self.requests: list[list[ModelMessage]] = []
        self.model = FunctionModel(self._answer)

    def _answer(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        self.requests.append(list(messages))
        has_result = any(part.part_kind == "tool-return" for message in messages for part in message.parts)
        if info.function_tools and not has_result:
            return ModelResponse(parts=[ToolCallPart(info.function_tools[0].name, {"city": "Porto"})])
        return ModelResponse(parts=[TextPart("Noted.")])

    def shown(self, number: int = -1) -> list[str]:
        """Return the user prompts of a request, in order."""
        return [
            str(part.content)
            for message in self.requests[number]
            for part in message.parts
            if isinstance(message, ModelRequest) and isinstance(part, UserPromptPart)
        ]


def ask(agent: Agent[Any, Any], prompt: Any, **options: Any) -> Any:
    """Run an agent on an event loop of its own. `run_sync` would leave its loop open."""
    return asyncio.run(agent.run(prompt, **options))


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def make_agent(recorder: Recorder, settings: Settings, **options: Any) -> Agent[Deps, str]:
    def user_of(ctx: RunContext[Deps]) -> str:
        return ctx.deps.user_id

    memory = AfterturnMemory(user_of, user_name=lambda ctx: ctx.deps.user_id.title(), settings=settings, **options)
    return Agent(recorder.model, name="concierge", deps_type=Deps, capabilities=[memory])


def test_what_was_said_in_one_run_is_shown_in_another(recorder: Recorder, settings: Settings, workers: Stack) -> None:
    agent = make_agent(recorder, settings)
    ask(agent, "I live in Lisbon.", deps=Deps("ana"), conversation_id="monday")
    MemoryClient("ana", "monday", settings=settings).flush(wait_seconds=60)
    result = ask(agent, "Where do I live?", deps=Deps("ana"), conversation_id="friday")
    memory, prompt = recorder.shown()
    assert "Ana lives in Lisbon." in memory
    assert prompt == "Where do I live?"
    # The history of the run has nothing of it, so that it is not shown, or written, again.
    assert "Lisbon" not in str(result.all_messages())


def test_another_user_is_shown_nothing(recorder: Recorder, settings: Settings, pipeline: Any) -> None:
    agent = make_agent(recorder, settings)
    ask(agent, "I live in Lisbon.", deps=Deps("ana"))
    pipeline.settle()
    ask(agent, "Where do I live?", deps=Deps("ben"))
    assert recorder.shown() == ["Where do I live?"]


def test_users_at_the_same_time_are_kept_apart(recorder: Recorder, settings: Settings, pipeline: Any) -> None:
    agent = make_agent(recorder, settings)
    places = {f"user{number}": f"City{number}" for number in range(10)}
    for question in ("I live in {}.", "Where do I live?"):

        async def ask_all(question: str = question) -> None:
            await asyncio.gather(
                *(agent.run(question.format(place), deps=Deps(user)) for user, place in places.items())
            )

        recorder.requests.clear()
        asyncio.run(ask_all())
        pipeline.settle()
    assert len(recorder.requests) == 10
    for number in range(10):
        assert len({place for place in places.values() if f"{place}." in recorder.shown(number)[0]}) == 1


def test_both_sides_and_the_tools_become_turns(recorder: Recorder, settings: Settings, pipeline: Any) -> None:
    agent = make_agent(recorder, settings, session_id="trip")

    @agent.tool_plain
    def weather(city: str) -> str:
        return f"Sunny in {city}"

    ask(agent, "What is the weather?", deps=Deps("ana"))
    turns = MemoryClient("ana", "trip", settings=settings).history()
    assert [(turn.role, turn.content) for turn in turns] == [
        ("user", "What is the weather?"),
        ("assistant", ""),
        ("tool", "Sunny in Porto"),
        ("assistant", "Noted."),
    ]
    assert turns[1].metadata["tool_calls"][0]["function"] == {"name": "weather", "arguments": '{"city":"Porto"}'}
    assert turns[2].metadata["tool_call_id"] == turns[1].metadata["tool_calls"][0]["id"]
    assert {turn.agent_id for turn in turns} == {"concierge"}
    assert turns[0].name == "Ana"


def test_the_memory_stands_at_the_same_place_in_every_request_of_a_run(
    recorder: Recorder, settings: Settings, pipeline: Any
) -> None:
    agent = make_agent(recorder, settings)
    ask(agent, "I live in Porto.", deps=Deps("ana"))
    pipeline.settle()

    @agent.tool_plain
    def weather(city: str) -> str:
        return f"Sunny in {city}"

    recorder.requests.clear()
    ask(agent, "What is the weather where I live?", deps=Deps("ana"))
    first, second = recorder.requests
    assert second[: len(first)] == first
    assert recorder.shown(0) == recorder.shown(1)
    assert "Porto" in recorder.shown(0)[0]


def test_memory_goes_with_the_history_of_the_caller(recorder: Recorder, settings: Settings, pipeline: Any) -> None:
    agent = make_agent(recorder, settings, session_id="chat")
    first = ask(agent, "I live in Lisbon.", deps=Deps("ana"))
    pipeline.settle()
    ask(agent, "Where do I live?", deps=Deps("ana"), message_history=first.all_messages())
    said, memory, asked = recorder.shown()
    assert (said, asked) == ("I live in Lisbon.", "Where do I live?")
    assert "Ana lives in Lisbon." in memory
    pipeline.settle()
    assert len(MemoryClient("ana", "chat", settings=settings).history()) == 4


def test_streams_are_remembered(settings: Settings, pipeline: Any) -> None:
    agent = Agent(
        TestModel(custom_output_text="Lisbon it is."), capabilities=[AfterturnMemory("ana", settings=settings)]
    )

    async def stream() -> None:
        async with agent.run_stream("I live in Lisbon.", conversation_id="chat") as result:
            assert "".join([piece async for piece in result.stream_text(delta=True)]) == "Lisbon it is."

    asyncio.run(stream())
    turns = MemoryClient("ana", "chat", settings=settings).history()
    assert [turn.content for turn in turns] == ["I live in Lisbon.", "Lisbon it is."]


def test_structured_output_and_images_are_remembered(settings: Settings, pipeline: Any) -> None:
    class Place(BaseModel):
        city: str

    agent = Agent(TestModel(), output_type=Place, capabilities=[AfterturnMemory("ana", settings=settings)])
    ask(agent, ["Where is this?", ImageUrl("https://example.com/x.png")], conversation_id="chat")
    turns = MemoryClient("ana", "chat", settings=settings).history()
    assert turns[0].content == "Where is this?\n[image]"
    assert turns[1].metadata["tool_calls"][0]["function"]["arguments"] == '{"city":"a"}'


def test_a_failed_model_leaves_the_prompt_in_the_memory(settings: Settings, pipeline: Any) -> None:
    def fail(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        raise RuntimeError("away")

    agent = Agent(FunctionModel(fail), capabilities=[AfterturnMemory("ana", settings=settings)])
    with pytest.raises(RuntimeError):
        ask(agent, "I live in Lisbon.", conversation_id="chat")
    assert [turn.content for turn in MemoryClient("ana", "chat", settings=settings).history()] == ["I live in Lisbon."]


def test_an_agent_without_its_memory_answers(recorder: Recorder, caplog: pytest.LogCaptureFixture) -> None:
    away = settings_module.load(
        {
            "AFTERTURN_REDIS_URL": "redis://127.0.0.1:1/0",
            "AFTERTURN_POSTGRES_URL": "postgresql://nobody@127.0.0.1:1/none",
            "AFTERTURN_POSTGRES_TIMEOUT_SECONDS": "1",
        }
    )
    agent = make_agent(recorder, away)
    assert ask(agent, "Where do I live?", deps=Deps("ana")).output == "Noted."
    assert "the agent answers without memory" in caplog.text
    assert "not remembered" in caplog.text


def test_the_user_of_a_run_must_be_a_user(recorder: Recorder, settings: Settings) -> None:
    with pytest.raises(InvalidId):
        ask(make_agent(recorder, settings), "Hello.", deps=Deps(""))
