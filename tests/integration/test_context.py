"""Contexts of both clients: tool calls, long histories, a Postgres that is away, bad input."""

import asyncio
import logging

import pytest

from afterturn import tokens
from afterturn.context import counting
from afterturn.context.strategies import ImportantOnly, LastTokens, LastTurns
from afterturn.errors import InvalidInput
from api_shim import AsyncMemoryClient, MemoryClient, close_async_connections


@pytest.fixture
def memory(settings):
    return MemoryClient("ana", "chat", settings=settings)


def write_earlier_session(settings, pipeline):
    """Write and process an earlier conversation of Ana's."""
    earlier = MemoryClient("ana", "earlier", settings=settings)
    earlier.write("user", "I live in Porto.", name="Ana")
    earlier.write("user", "My sister Rita works at Acme.", name="Ana")
    pipeline.settle()


def text_of(context):
    return "\n".join(str(message["content"]) for message in context.messages)


def test_tool_calls_keep_their_results(settings, pipeline, memory):
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Porto"}'}}
    memory.write("user", "How is the weather?")
    memory.write("assistant", "", metadata={"tool_calls": [call]})
    memory.write("tool", "Sunny.", name="weather", metadata={"tool_call_id": "call_1"})
    memory.write("assistant", "It is sunny.")
    for _ in range(2):
        messages = memory.context(None, 1_000, history=LastTurns(3)).messages
        assert messages == [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "content": "Sunny.", "tool_call_id": "call_1"},
            {"role": "assistant", "content": "It is sunny."},
        ]
        # The call is beyond the last two turns: its result is not shown without it.
        messages = memory.context(None, 1_000, history=LastTurns(2)).messages
        assert [message["content"] for message in messages] == ["It is sunny."]
        messages = memory.context(None, 1_000, history=ImportantOnly()).messages
        assert [message["role"] for message in messages] == ["assistant", "tool"]
        hot_or_archived = memory.history(1)[0].position
        pipeline.do("archive", [["default", "ana", "chat"]])
    assert hot_or_archived is None


def test_older_turns_are_read_from_postgres(settings, pipeline):
    memory = MemoryClient("ana", "chat", settings=settings.model_copy(update={"recent_turns": 5}))
    for number in range(30):
        memory.write("user", f"turn {number}")
    pipeline.settle()
    memory.write("user", "turn 30")
    messages = memory.context(None, 5_000, history=LastTurns(12)).messages
    assert [message["content"] for message in messages[-12:]] == [f"turn {number}" for number in range(19, 31)]
    shown = memory.context(None, 5_000, history=LastTokens(60)).messages
    assert counting.count_messages(shown[1:], tokens.estimate) <= 60


def test_recent_turns_are_shown_while_postgres_is_unreachable(settings, hot_store, caplog):
    without_postgres = settings.model_copy(
        update={
            "postgres_url": type(settings.postgres_url)("postgresql://u:p@127.0.0.1:1/x"),
            "postgres_timeout_seconds": 0.3,
        }
    )
    memory = MemoryClient("ana", settings=without_postgres)
    with caplog.at_level(logging.WARNING, "afterturn.client"):
        assert memory.context("anything", 100).messages == []
    assert "Postgres" in caplog.text
    memory.write("user", "I live in Porto.")
    assert memory.context("anything", 100).messages == [{"role": "user", "content": "I live in Porto."}]


def test_unusual_input_is_refused_or_answered(settings, pipeline, memory):
    write_earlier_session(settings, pipeline)
    for budget in (0, -1, True, 1.5, "100", None, 10**9):
        with pytest.raises(InvalidInput, match="token_budget"):
            memory.context("x", budget)
    with pytest.raises(InvalidInput, match="query"):
        memory.context("x" * 1_000_000, 100)
    with pytest.raises(InvalidInput, match="history"):
        memory.context("x", 100, history="last")
    with pytest.raises(InvalidInput, match="role"):
        memory.context("x", 100, role="user")
    for query in ("", " ", "\x00", "\N{GRINNING FACE}", "the of and", "'; DROP TABLE facts; --", "a & | !"):
        assert memory.context(query, 500).tokens <= 500
    assert memory.context("Where do I live?", 1).messages == []
    assert memory.context("Where do I live?", 1_000, role="developer").messages[0]["role"] == "developer"


def test_the_asyncio_client_returns_the_same_context(settings, pipeline, memory):
    write_earlier_session(settings, pipeline)
    memory.write("user", "Where do I live?")

    class Calendar:
        name = "calendar"
        share = 0.1

        async def lines(self):
            return ["15:00 dentist"]

    class Broken(Calendar):
        async def lines(self):
            raise OSError

    async def ask():
        async_memory = AsyncMemoryClient("ana", "chat", settings=settings)
        plain = await async_memory.context("Where do I live?", 1_000)
        outside = await async_memory.context("Where do I live?", 1_000, providers=[Broken(), Calendar()])
        await close_async_connections()
        return plain, outside

    plain, outside = asyncio.run(ask())
    assert plain == memory.context("Where do I live?", 1_000)
    assert "- [calendar] 15:00 dentist" in text_of(outside)
    assert "dentist" not in text_of(memory.context("Where do I live?", 1_000, providers=[Calendar()]))


def test_a_reply_is_shown_with_its_question_until_that_is_removed(settings, pipeline, memory):
    earlier = MemoryClient("ana", "earlier", settings=settings)
    asked = earlier.write("user", "Which colour did you choose for the cellar?", name="Ana")
    earlier.write("user", "Green.", name="Ben")
    earlier.write("user", "The weather is fine in Porto, and we go to the beach.", name="Ana")
    other = MemoryClient("tom", "earlier", settings=settings)
    other.write("user", "Nobody else knows of the secret door in the cellar. Do you?", name="Tom")
    pipeline.settle()
    for context in (memory.context("colour of the cellar", 1_000), *asyncio.run(_contexts(settings))):
        shown = text_of(context)
        assert "Ana: Which colour did you choose for the cellar?" in shown
        assert "Ben: Green." in shown
        assert "Tom" not in shown
    earlier.remove(asked)
    for _ in range(2):
        assert "Which colour" not in text_of(memory.context("Green", 1_000))
        pipeline.settle()


async def _contexts(settings):
    memory = AsyncMemoryClient("ana", "chat", settings=settings)
    try:
        return [await memory.context("colour of the cellar", 1_000)]
    finally:
        await close_async_connections()
