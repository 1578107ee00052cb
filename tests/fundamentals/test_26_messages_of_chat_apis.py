"""Messages go into the memory as chat APIs send and return them, through each door."""

import asyncio

import pytest
from fastapi.testclient import TestClient
from openai.types.chat import ChatCompletion

from api_shim import AsyncMemoryClient, MemoryClient, close_async_connections
from api_shim.http.app import create_app
from tests.fundamentals.scripted import Scripted, fact

CALL = {"id": "call-1", "type": "function", "function": {"name": "find_table", "arguments": "{}"}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/house.png"}}
CONVERSATION = [
    {"role": "developer", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "I live in Porto."}, IMAGE], "name": "Ana"},
    {"role": "assistant", "content": None, "tool_calls": [CALL], "refusal": None, "annotations": []},
    {"role": "tool", "tool_call_id": "call-1", "content": [{"type": "text", "text": "A table at eight."}]},
    {"role": "function", "name": "weather", "content": "Sunny."},
    {"role": "assistant", "content": "Eight o'clock, and sunny."},
]
STORED = [
    ("developer", "Be brief.", None, {}),
    ("user", "I live in Porto.\n[image]", "Ana", {"content_parts": [IMAGE]}),
    ("assistant", "", None, {"tool_calls": [CALL]}),
    ("tool", "A table at eight.", None, {"tool_call_id": "call-1"}),
    ("function", "Sunny.", "weather", {}),
    ("assistant", "Eight o'clock, and sunny.", None, {}),
]


def write_one_by_one(settings, _):
    for message in CONVERSATION:
        MemoryClient("ana", "chat", settings=settings).write(message)


def write_arguments(settings, _):
    for message in CONVERSATION:
        MemoryClient("ana", "chat", settings=settings).write(**message)


def write_many(settings, _):
    MemoryClient("ana", "chat", settings=settings).write_many(CONVERSATION)


def write_async(settings, _):
    async def write():
        memory = AsyncMemoryClient("ana", "chat", settings=settings)
        await memory.write_many(CONVERSATION[:3])
        await memory.write(CONVERSATION[3])
        await memory.write(**CONVERSATION[4])
        await memory.write(CONVERSATION[5])
        await close_async_connections()

    asyncio.run(write())


def write_over_http(settings, _):
    with TestClient(create_app(settings)) as client:
        answer = client.post("/v1/users/ana/sessions/chat/turns", json={"turns": CONVERSATION})
        assert answer.status_code == 201, answer.text


def write_by_import(_, import_lines):
    assert "6 turns written" in import_lines(CONVERSATION)


@pytest.fixture
def import_lines(command, write_file):
    def run(messages):
        dated = [message | {"at": f"2024-05-01T10:0{place}:00Z"} for place, message in enumerate(messages)]
        return command("import", write_file(*dated), "--user", "ana", "--session", "chat").out

    return run


WAYS = [write_one_by_one, write_arguments, write_many, write_async, write_over_http, write_by_import]


@pytest.mark.parametrize("way", WAYS)
def test_a_conversation_is_stored_alike_by_each_door(way, settings, pipeline, import_lines):
    way(settings, import_lines)
    memory = MemoryClient("ana", "chat", settings=settings)

    def stored():
        return [(turn.role, turn.content, turn.name, turn.metadata) for turn in memory.history()]

    assert stored() == STORED
    pipeline.settle()
    assert stored() == STORED
    assert [found.text for found in memory.facts()] == ["Ana lives in Porto."]


def test_a_context_shows_the_call_with_its_result_again(settings, pipeline):
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write_many(CONVERSATION)
    messages = memory.context(None, 2_000).messages
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool", "user", "assistant"]
    assert messages[2]["tool_calls"] == [CALL]
    assert messages[4]["content"] == "[result of weather] Sunny."


def test_what_the_sdk_returns_is_written_as_it_is(settings, pipeline):
    answer = {"finish_reason": "stop", "index": 0, "logprobs": None, "message": CONVERSATION[2]}
    completion = ChatCompletion.model_validate(
        {"id": "c", "choices": [answer], "created": 1, "model": "m", "object": "chat.completion"}
    )
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write(completion.choices[0].message)
    memory.write_many([CONVERSATION[3], completion.choices[0].message])
    assert [turn.role for turn in memory.history()] == ["assistant", "tool", "assistant"]
    assert memory.history()[-1].metadata == {"tool_calls": [CALL]}


def test_a_tools_words_do_not_become_the_users(settings, pipeline):
    """Anthropic's API sends the results of tools in messages of the user."""
    pipeline.runtime.__dict__["extractor"] = Scripted([fact("Ana lives in Oslo.")])
    memory = MemoryClient("ana", "chat", settings=settings)
    block = {"type": "tool_result", "tool_use_id": "toolu-1", "content": "Ana lives in Oslo."}
    memory.write({"role": "user", "content": [block]})
    pipeline.settle()
    [found] = memory.facts()
    assert found.said_by == "other"


def test_an_unknown_field_is_refused_over_http(settings, hot_store):
    with TestClient(create_app(settings)) as client:
        for wrong in ({"typo": "canary"}, {"agent_id": "canary"}, {"limit_bytes": 1}):
            turn = {"role": "user", "content": "canary"} | wrong
            answer = client.post("/v1/users/ana/sessions/chat/turns", json={"turns": [turn]})
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
            assert "canary" not in answer.text
    assert hot_store.dbsize() == 0
