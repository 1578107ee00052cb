"""A chat through the API: memory is added to the request, and both sides become turns."""

import asyncio
import json

import httpx
import pytest

from afterturn import MemoryClient
from afterturn.context import memory_block
from tests.integration.chat.conftest import wait_for_turns, whole_answer

SESSION = {"X-Afterturn-User": "ana", "X-Afterturn-Session": "s"}


@pytest.fixture
def memory(settings):
    return MemoryClient("ana", "s", settings=settings)


@pytest.fixture
def known(settings, pipeline):
    """Ana's memory has a fact from another session."""
    MemoryClient("ana", "earlier", settings=settings).write("user", "I live in Porto.", name="Ana")
    pipeline.settle()


def ask(http, *messages, headers=SESSION, **fields):
    return http.post("/chat/completions", json={"model": "m", "messages": list(messages)} | fields, headers=headers)


def test_memory_is_added_to_the_last_message_of_the_user(http, endpoint, known):
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi!"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Where do I live?"},
    ]
    answer = ask(http, *messages)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-afterturn-memory"] == "on"
    assert int(answer.headers["x-afterturn-memories"]) >= 1
    sent = json.loads(endpoint.requests[0].body)["messages"]
    assert sent[:3] == messages[:3]
    question, block = sent[3]["content"].split("\n\n", 1)
    assert question == "Where do I live?"
    assert block.startswith(memory_block.PREAMBLE) and block.endswith("</memory>")
    assert "Ana lives in Porto." in block


def test_both_sides_become_turns(http, endpoint, memory, known):
    endpoint.answer(whole_answer("In Porto."))
    ask(http, {"role": "user", "content": "Where do I live?"})
    assert wait_for_turns(memory, 2) == [("user", "Where do I live?"), ("assistant", "In Porto.")]
    user, assistant = memory.history()
    assert user.memories_shown == () and len(assistant.memories_shown) >= 1


def test_many_chats_at_once_have_their_memory(serve, endpoint, settings, known):
    """Each has its memory, though all of them together take longer than one may: nothing is away."""
    url = serve(chat_memory_seconds=0.5)

    async def ask_all():
        async with httpx.AsyncClient(base_url=url, timeout=60) as client:
            asked = [
                client.post(
                    "/chat/completions",
                    json={"messages": [{"role": "user", "content": f"Where do I live? {number}"}]},
                    headers={"X-Afterturn-User": "ana", "X-Afterturn-Session": f"s{number}"},
                )
                for number in range(60)
            ]
            return await asyncio.gather(*asked)

    answers = asyncio.run(ask_all())
    assert {(answer.status_code, answer.headers["x-afterturn-memory"]) for answer in answers} == {(200, "on")}
    for number in range(60):
        assert len(wait_for_turns(MemoryClient("ana", f"s{number}", settings=settings), 2)) == 2
