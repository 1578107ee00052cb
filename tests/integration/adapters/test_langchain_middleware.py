"""LangChain's agents with the middleware: recalls before the model, writes after it, while the workers run."""

import asyncio
import logging

import pytest
from deepagents import create_deep_agent
from deepagents.backends import StoreBackend
from langchain.agents import create_agent
from langchain.tools import tool
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from afterturn import settings as settings_module
from afterturn.errors import InvalidId, InvalidInput
from api_shim import MemoryClient
from api_shim.adapters.langchain import AfterturnMiddleware
from api_shim.adapters.langgraph import AfterturnStore
from tests.integration.adapters.agents import ScriptedModel, call_tool, texts


@tool
def opening_hours(shop: str) -> str:
    """Return the opening hours of a shop."""
    return f"{shop} is open from 9 to 5"


def thread(name, user_id=None):
    found = {"thread_id": name}
    return {"configurable": found if user_id is None else found | {"user_id": user_id}}


def ask(agent, text, config=None, **options):
    return agent.invoke({"messages": [{"role": "user", "content": text}]}, config, **options)["messages"][-1].text


@pytest.fixture
def middleware(settings):
    return AfterturnMiddleware(user_id="ana", agent_id="helper", settings=settings)


def history(settings, session_id="default", user_id="ana"):
    turns = MemoryClient(user_id, session_id, settings=settings).history(100)
    return [(turn.role, turn.content) for turn in turns]


@pytest.mark.parametrize("is_async", [False, True])
def test_what_one_session_said_is_recalled_in_the_next(settings, middleware, workers, is_async):
    model = ScriptedModel(answers=["Nice!", "In Lisbon."])
    agent = create_agent(model, middleware=[middleware], checkpointer=InMemorySaver(), system_prompt="Be brief.")

    def run(text, config):
        if not is_async:
            return ask(agent, text, config)
        said = {"messages": [{"role": "user", "content": text}]}
        return asyncio.run(agent.ainvoke(said, config))["messages"][-1].text

    assert run("I live in Lisbon now.", thread("monday")) == "Nice!"
    MemoryClient("ana", "monday", settings=settings).flush(wait_seconds=60)
    assert run("Where do I live?", thread("tuesday")) == "In Lisbon."
    assert texts(model.asked[0]) == ["Be brief.", "I live in Lisbon now."]
    asked = texts(model.asked[1])
    assert (
        asked[0] == "Be brief." and asked[1].startswith("Where do I live?\n\nBetween <memory>") and "Lisbon" in asked[1]
    )
    assert history(settings, "monday") == [("user", "I live in Lisbon now."), ("assistant", "Nice!")]
    assert history(settings, "tuesday") == [("user", "Where do I live?"), ("assistant", "In Lisbon.")]
    [_, answer] = MemoryClient("ana", "tuesday", settings=settings).history()
    assert answer.agent_id == "helper"


def test_the_state_of_the_agent_does_not_contain_the_memory(settings, middleware, pipeline):
    MemoryClient("ana", "old", settings=settings).write("user", "I live in Lisbon now.", name="Ana")
    pipeline.settle()
    agent = create_agent(ScriptedModel(answers=["Yes."]), middleware=[middleware], checkpointer=InMemorySaver())
    ask(agent, "Where do I live?", thread("t"))
    assert texts(agent.get_state(thread("t")).values["messages"]) == ["Where do I live?", "Yes."]


def test_each_message_is_written_once_through_a_tool_loop_and_a_resumed_thread(settings, middleware, pipeline):
    model = ScriptedModel(answers=[call_tool("opening_hours", shop="Blume"), "From 9.", "You are welcome."])
    agent = create_agent(model, tools=[opening_hours], middleware=[middleware], checkpointer=InMemorySaver())
    MemoryClient("ana", "old", settings=settings).write("user", "My favourite shop is called Blume.", name="Ana")
    pipeline.settle()
    ask(agent, "When is my favourite shop open?", thread("t"))
    ask(agent, "Thanks!", thread("t"))
    assert [role for role, _ in history(settings, "t")] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
        "assistant",
    ]
    assert history(settings, "t")[2] == ("tool", "Blume is open from 9 to 5")
    shown = [call[0].text for call in model.asked[:2]]
    assert "Blume" in shown[0] and shown[0] == shown[1]  # the prompt stays the same in the loop
    assert model.asked[2][0].text == "When is my favourite shop open?"
    pipeline.settle()
    assert len(history(settings, "t")) == 6


def test_the_conversation_may_be_sent_again_each_time(settings, middleware):
    model = ScriptedModel(answers=["One.", "Two."])
    agent = create_agent(model, middleware=[middleware])
    messages = agent.invoke({"messages": [HumanMessage("first")]})["messages"]
    agent.invoke({"messages": [*messages, HumanMessage("second")]})
    agent.invoke(
        {
            "messages": [
                HumanMessage("first"),
                AIMessage("One."),
                HumanMessage("second"),
                AIMessage("Two."),
                HumanMessage("third"),
            ]
        }
    )
    assert [text for _, text in history(settings)] == ["first", "One.", "second", "Two.", "third", "Two."]


def test_a_model_that_fails_writes_nothing_and_its_retry_writes_once(settings, middleware):
    model = ScriptedModel(answers=[RuntimeError("down"), "Here."])
    agent = create_agent(model, middleware=[middleware], checkpointer=InMemorySaver())
    with pytest.raises(RuntimeError):
        ask(agent, "Hello?", thread("t"))
    assert history(settings, "t") == []
    agent.invoke(None, thread("t"))
    assert history(settings, "t") == [("user", "Hello?"), ("assistant", "Here.")]


def test_the_user_comes_from_the_run(settings):
    agent = create_agent(
        ScriptedModel(answers=["Hi."]), middleware=[AfterturnMiddleware(settings=settings)], context_schema=dict
    )
    ask(agent, "I am Ana.", thread("t", "ana"))
    ask(agent, "I am Ben.", thread("t"), context={"user_id": "ben"})
    ask(agent, "I am nobody.", thread("t"))
    assert [user for user in ("ana", "ben", None) for _ in history(settings, "t", user)] == ["ana"] * 2 + [
        "ben"
    ] * 2 + [None] * 2
    assert history(settings, "t", "ana")[0] == ("user", "I am Ana.")
    assert history(settings, "t", None)[0] == ("user", "I am nobody.")
    with pytest.raises(InvalidInput, match="user_id"):
        ask(agent, "Whose?")
    with pytest.raises(InvalidInput, match="user_id"):
        ask(agent, "Whose?", {"configurable": {"user_id": 7}})


def test_wrong_arguments_are_refused_at_once(settings):
    with pytest.raises(InvalidId):
        AfterturnMiddleware(user_id="", settings=settings)
    with pytest.raises(InvalidId):
        AfterturnMiddleware(user_id="ana", session_id="~mine", settings=settings)
    with pytest.raises(InvalidInput):
        AfterturnMiddleware(user_id="ana", token_budget=0, settings=settings)


def test_an_agent_goes_on_without_the_memory(settings, caplog):
    away = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    agent = create_agent(ScriptedModel(answers=["Hi."]), middleware=[AfterturnMiddleware(user_id="ana", settings=away)])
    with caplog.at_level(logging.WARNING):
        assert ask(agent, "Hello") == "Hi."
    assert "recalls nothing" in caplog.text and "writes nothing" in caplog.text and "Hello" not in caplog.text


def test_the_memory_can_stand_in_the_system_prompt(settings, pipeline):
    MemoryClient("ana", "old", settings=settings).write("user", "I live in Lisbon now.", name="Ana")
    pipeline.settle()
    changed = settings_module.load(
        {
            "AFTERTURN_CHAT_MEMORY_PLACE": "system",
            "AFTERTURN_REDIS_URL": settings.redis_url,
            "AFTERTURN_POSTGRES_URL": settings.postgres_url,
        }
    )
    model = ScriptedModel(answers=["Yes."])
    agent = create_agent(
        model, middleware=[AfterturnMiddleware(user_id="ana", settings=changed)], system_prompt="Be brief."
    )
    ask(agent, "Where do I live?")
    assert (
        model.asked[0][0].text.startswith("Be brief.\n\nBetween <memory>")
        and model.asked[0][1].text == "Where do I live?"
    )


def test_content_parts_and_reasoning(settings, middleware, pipeline):
    MemoryClient("ana", "old", settings=settings).write("user", "I live in Lisbon now.", name="Ana")
    pipeline.settle()
    answer = AIMessage([{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "A cat."}])
    model = ScriptedModel(answers=[answer])
    agent = create_agent(model, middleware=[middleware])
    picture = {"type": "image", "base64": "aaaa", "mime_type": "image/png"}
    agent.invoke(
        {"messages": [HumanMessage([{"type": "text", "text": "Where do I live, and what is this?"}, picture])]}
    )
    assert model.asked[0][0].content[-1]["text"].startswith("Between <memory>")
    assert history(settings) == [("user", "Where do I live, and what is this?\n[image]"), ("assistant", "A cat.")]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_deep_agent_has_the_store_and_the_middleware(settings, middleware, workers, is_async):
    store = AfterturnStore(user_id="ana", settings=settings)
    model = ScriptedModel(
        answers=[
            call_tool("write_file", file_path="/notes.md", content="Ana lives in Lisbon"),
            "Noted.",
            call_tool("read_file", "call-2", file_path="/notes.md"),
            "In Lisbon.",
        ]
    )
    agent = create_deep_agent(
        model,
        middleware=[middleware],
        backend=StoreBackend(namespace=lambda runtime: ("files",)),
        store=store,
        checkpointer=InMemorySaver(),
    )

    def run(text, config):
        if not is_async:
            return ask(agent, text, config)
        said = {"messages": [{"role": "user", "content": text}]}
        return asyncio.run(agent.ainvoke(said, config))["messages"][-1].text

    assert run("I live in Lisbon now. Note it.", thread("monday")) == "Noted."
    assert store.get(("files",), "/notes.md") is not None
    MemoryClient("ana", "monday", settings=settings).flush(wait_seconds=60)
    assert run("Where do I live?", thread("tuesday")) == "In Lisbon."
    asked = [text for text in texts(model.asked[2]) if text.startswith("Where do I live?")]
    assert "<memory>" in asked[0] and "Lisbon" in asked[0]
    assert any("Ana lives in Lisbon" in text for text in texts(model.asked[3]))
    assert [role for role, _ in history(settings, "tuesday")] == ["user", "assistant", "tool", "assistant"]
