"""A message keeps its text through its tool loop, byte for byte, so that the cache of its prompt survives."""

import asyncio
import json
import time

import httpx
import pytest

from afterturn import MemoryClient, close_async_connections
from afterturn.client.factory import open_session
from afterturn.client.plans import memory_block
from afterturn.hot import keys
from afterturn.principal import ALL_RIGHTS, EveryUser, Principal, Right
from api_shim.chat.memory_reader import MemoryReader
from tests.integration.chat.conftest import http_answer, wait_for_turns

SESSION = {"X-Afterturn-User": "ana", "X-Afterturn-Session": "s"}
QUESTION = {"role": "user", "content": "Where do I live, and is it warm there?"}
SYSTEM = {"role": "system", "content": "Be brief."}


def tool_steps(count):
    for number in range(count):
        call = {
            "id": f"c{number}",
            "type": "function",
            "function": {"name": "weather", "arguments": json.dumps({"n": number})},
        }
        yield {"role": "assistant", "content": None, "tool_calls": [call]}
        yield {"role": "tool", "tool_call_id": f"c{number}", "content": f"I live in Lisbon. {number}"}


@pytest.fixture
def memory(settings, pipeline):
    client = MemoryClient("ana", "earlier", settings=settings)
    client.write("user", "I live in Porto.", name="Ana")
    pipeline.settle()
    return client


def ask(url, messages, **headers):
    body = {"messages": messages, "temperature": 2.0}
    return httpx.post(f"{url}/chat/completions", json=body, headers=SESSION | headers, timeout=60)


def last_message(endpoint):
    """Return the text of the user's last message as the endpoint got it."""
    messages = json.loads(endpoint.requests[-1].body)["messages"]
    return next(each["content"] for each in reversed(messages) if each["role"] == "user")


def wait_until_shown(hot_store, count):
    ends = time.monotonic() + 60
    while sum(hot_store.hlen(key) for key in hot_store.keys("at:*:shown:*")) < count:
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_a_message_keeps_its_text_in_all_processes(serve, endpoint, memory, pipeline, hot_store, settings):
    urls = [serve(), serve()]
    ask(urls[0], [SYSTEM, QUESTION])
    first = last_message(endpoint)
    assert "Ana lives in Porto." in first
    wait_until_shown(hot_store, 1)
    steps = list(tool_steps(6))
    for number in range(1, 7):
        # What is recalled changes meanwhile: the message and its answer are turns, and there are new facts.
        memory.write("user", f"I live in Braga, no, in Faro. {number}", name="Ana")
        pipeline.settle()
        ask(urls[number % 2], [SYSTEM, QUESTION, *steps[: 2 * number]])
        assert last_message(endpoint) == first
    ask(
        urls[0],
        [SYSTEM, QUESTION, *steps, {"role": "assistant", "content": "Yes."}, {"role": "user", "content": "Bye"}],
    )
    sent = json.loads(endpoint.requests[-1].body)["messages"]
    assert sent[:-1] == [SYSTEM, QUESTION, *steps, {"role": "assistant", "content": "Yes."}]


def test_a_new_conversation_with_the_same_message_is_asked_anew(serve, endpoint, settings, pipeline, hot_store):
    url = serve()
    ask(url, [QUESTION])
    assert "Porto" not in last_message(endpoint)
    wait_until_shown(hot_store, 1)
    MemoryClient("ana", "earlier", settings=settings).write("user", "I live in Porto.", name="Ana")
    pipeline.settle()
    ask(url, [QUESTION])
    assert "Ana lives in Porto." in last_message(endpoint)


def test_a_message_that_had_no_memory_gets_none_in_its_tool_loop(serve, endpoint, settings, pipeline, hot_store):
    url = serve()
    ask(url, [QUESTION])
    first = last_message(endpoint)
    wait_until_shown(hot_store, 1)
    MemoryClient("ana", "earlier", settings=settings).write("user", "I live in Porto.", name="Ana")
    pipeline.settle()
    ask(url, [QUESTION, *tool_steps(1)])
    assert last_message(endpoint) == first


def test_a_tool_loop_that_began_elsewhere_gets_its_memory(serve, endpoint, memory, hot_store):
    url = serve()
    ask(url, [QUESTION, *tool_steps(1)])
    first = last_message(endpoint)
    assert "Ana lives in Porto." in first
    wait_until_shown(hot_store, 1)
    memory.add_fact("Ana has a boat.", pinned=True)
    ask(url, [QUESTION, *tool_steps(2)])
    assert last_message(endpoint) == first


def test_a_block_does_not_outlive_its_user(settings, memory, hot_store, command):
    principal = Principal(tenant_id="default", users=EveryUser(), rights=ALL_RIGHTS)
    session = open_session(principal, Right.READ, "ana", "s", settings=settings)

    async def read_and_remember():
        reader = MemoryReader(settings)
        block = await reader.run(
            memory_block.read_block(
                session, "Porto", token_budget=500, field="f", is_continued=False, is_in_request=lambda _: False
            )
        )
        assert "Porto" in block.text
        assert (await asyncio.to_thread(command, "forget", "ana", "--yes")).code == 0
        await reader.run(memory_block.remember(session, "f", block.encode(), block.erased_token))
        await close_async_connections()

    asyncio.run(read_and_remember())
    assert hot_store.keys("at:*:shown:*") == []


def test_the_number_of_remembered_messages_is_bounded(settings, hot_store):
    principal = Principal(tenant_id="default", users=EveryUser(), rights=ALL_RIGHTS)
    session = open_session(principal, Right.READ, "ana", "s", settings=settings)

    async def remember_many():
        reader = MemoryReader(settings)
        for number in range(keys.SHOWN_LIMIT + 10):
            await reader.run(memory_block.remember(session, f"f{number}", b"{}", b""))
        await close_async_connections()

    asyncio.run(remember_many())
    kept = hot_store.hkeys(keys.shown(session.scope.user))
    assert keys.SHOWN_LIMIT // 4 < len(kept) <= keys.SHOWN_LIMIT
    assert f"f{keys.SHOWN_LIMIT + 9}".encode() in kept and b"f0" not in kept


RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "output": [
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {
            "type": "message",
            "id": "m_1",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "In Porto."}],
        },
    ],
}


def test_responses_are_continued_in_their_session(serve, endpoint, memory, settings, hot_store):
    url = serve()
    endpoint.answer(http_answer(json.dumps(RESPONSE).encode()))
    user = {"X-Afterturn-User": "ana"}
    first = httpx.post(f"{url}/responses", json={"input": "Where do I live?", "instructions": "Brief."}, headers=user)
    assert "Ana lives in Porto." in json.loads(endpoint.requests[-1].body)["input"]
    session_id = first.headers["x-afterturn-session"]
    stored = MemoryClient("ana", session_id, settings=settings)
    assert wait_for_turns(stored, 2) == [("user", "Where do I live?"), ("assistant", "In Porto.")]
    wait_until_shown(hot_store, 2)
    endpoint.answer(http_answer(json.dumps(RESPONSE | {"id": "resp_2"}).encode()))
    body = {"previous_response_id": "resp_1", "input": [{"role": "user", "content": "Where do I live?"}]}
    for _ in range(2):
        later = httpx.post(f"{url}/responses", json=body, headers=user)
        assert later.headers["x-afterturn-session"] == session_id
    expected = [("user", "Where do I live?"), ("assistant", "In Porto.")] * 2
    assert wait_for_turns(stored, expected) == expected
    time.sleep(0.3)
    assert wait_for_turns(stored, expected) == expected


def test_a_stream_of_responses(serve, endpoint, settings):
    url = serve()
    events = [
        {"type": "response.created", "response": {"id": "resp_1", "output": []}},
        {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "In "},
        {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "Porto."},
        {
            "type": "response.output_item.done",
            "output_index": 2,
            "item": {"type": "function_call", "id": "f", "call_id": "c1", "name": "book", "arguments": "{}"},
        },
    ]
    parts = [f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in events]
    endpoint.answer(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", *parts)
    answer = httpx.post(f"{url}/responses", json={"input": "Hi", "stream": True}, headers=SESSION)
    assert answer.content == b"".join(parts)
    stored = MemoryClient("ana", "s", settings=settings)
    assert wait_for_turns(stored, 3) == [("user", "Hi"), ("assistant", "In Porto."), ("assistant", "")]
    # The client sends the items back, with the result of the call.
    history = [
        {"role": "user", "content": "Hi"},
        {
            "type": "message",
            "role": "assistant",
            "id": "m_1",
            "content": [{"type": "output_text", "text": "In Porto."}],
        },
        {"type": "function_call", "call_id": "c1", "name": "book", "arguments": "{}", "id": "f", "status": "completed"},
        {"type": "function_call_output", "call_id": "c1", "output": "booked"},
    ]
    endpoint.answer(http_answer(json.dumps(RESPONSE).encode()))
    httpx.post(f"{url}/responses", json={"input": history}, headers=SESSION)
    expected = [
        ("user", "Hi"),
        ("assistant", "In Porto."),
        ("assistant", ""),
        ("tool", "booked"),
        ("assistant", "In Porto."),
    ]
    assert wait_for_turns(stored, expected) == expected


def test_the_system_prompt_gets_the_memory_where_a_setting_says_so(serve, endpoint, memory):
    url = serve(chat_memory_place="system")
    ask(url, [SYSTEM, QUESTION])
    sent = json.loads(endpoint.requests[-1].body)["messages"]
    assert sent[1] == QUESTION
    assert sent[0]["content"].startswith("Be brief.\n\n") and "Ana lives in Porto." in sent[0]["content"]


def test_a_budget_limits_the_block(serve, endpoint, settings, pipeline):
    MemoryClient("ana", "earlier", settings=settings).add_facts(
        {"text": f"Porto fact {number} " + "x " * 40} for number in range(60)
    )
    pipeline.settle()
    ask(serve(chat_memory_tokens=300), [QUESTION | {"content": "Porto?"}])
    assert 300 < len(last_message(endpoint)) < 300 * 4
