"""OpenAI's own client gets through afterturn what it gets from the endpoint, and the endpoint gets what it sends."""

import json

import openai
import pytest

from afterturn import MemoryClient
from tests.integration.chat.conftest import chunk, http_answer, stream_head, whole_answer

TOOL = {"type": "function", "function": {"name": "find", "parameters": {"type": "object", "properties": {}}}}
CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "find", "arguments": ""}}
DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
STREAM = [
    stream_head("x-request-id: req_1"),
    chunk({"role": "assistant", "content": "", "refusal": None}),
    chunk({"content": "Olá"}),
    chunk({"tool_calls": [CALL]}),
    *(chunk({"tool_calls": [{"index": 0, "function": {"arguments": part}}]}) for part in ('{"a":', "2.0}")),
    chunk({}, usage=None),
    b"data: " + json.dumps({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
                            "choices": [], "usage": USAGE}).encode() + b"\n\n",
    DONE,
]  # fmt: skip
MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "Where do I live?"},
]


@pytest.fixture
def known(settings, pipeline):
    MemoryClient("ana", "earlier", settings=settings).write("user", "I live in Porto.", name="Ana")
    pipeline.settle()


@pytest.fixture
def clients(endpoint, base_url, known):
    """OpenAI's client, of the endpoint itself and of the API."""
    return [openai.OpenAI(base_url=url, api_key="sk-1", max_retries=0) for url in (endpoint.base_url, base_url)]


def requests_differ_only_in_the_last_message(endpoint):
    direct, through = (each.body for each in endpoint.requests[-2:])
    first, second = json.loads(direct), json.loads(through)
    start, end = first["messages"][-1]["content"], second["messages"][-1]["content"]
    assert end.startswith(f"{start}\n\n") and "Ana lives in Porto." in end
    inserted = json.dumps(end[len(start) :])[1:-1].encode()
    assert through.replace(inserted, b"") == direct
    return True


def test_an_answer(clients, endpoint):
    endpoint.answer(whole_answer("Em Porto", reasoning_content="hm", extra=2.0))
    request = {"model": "m", "messages": MESSAGES, "user": "ana", "temperature": 2.0, "seed": 12345678901234567890}
    direct, through = (client.chat.completions.with_raw_response.create(**request) for client in clients)
    assert direct.content == through.content
    assert direct.parse().model_dump() == through.parse().model_dump()
    assert through.headers["x-afterturn-memory"] == "on" and int(through.headers["x-afterturn-memories"]) > 0
    assert requests_differ_only_in_the_last_message(endpoint)


def test_a_stream_with_tools(clients, endpoint):
    endpoint.answer(*STREAM)
    request = {"model": "m", "messages": MESSAGES, "user": "ana", "tools": [TOOL], "stream": True}
    request |= {"stream_options": {"include_usage": True}}
    direct, through = ([each.model_dump() for each in client.chat.completions.create(**request)] for client in clients)
    assert direct == through and direct[-1]["choices"] == []
    assert requests_differ_only_in_the_last_message(endpoint)


def test_the_helper_for_streams(clients, endpoint):
    endpoint.answer(*STREAM)
    finals = []
    for client in clients:
        with client.chat.completions.stream(model="m", messages=MESSAGES, user="ana") as stream:
            for _ in stream:
                pass
            finals.append(stream.get_final_completion().model_dump())
    assert finals[0] == finals[1]
    assert finals[0]["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == '{"a":2.0}'


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_asynchronous_client(endpoint, base_url, known, anyio_backend):
    endpoint.answer(*STREAM)
    answers = []
    for url in (endpoint.base_url, base_url):
        async with openai.AsyncOpenAI(base_url=url, api_key="sk-1", max_retries=0) as client:
            stream = await client.chat.completions.create(model="m", messages=MESSAGES, user="ana", stream=True)
            answers.append([each.model_dump() async for each in stream])
    assert answers[0] == answers[1]
    assert requests_differ_only_in_the_last_message(endpoint)


def test_errors(clients, endpoint):
    body = b'{"error":{"message":"slow down","type":"tokens","param":null,"code":"rate_limit_exceeded"}}'
    endpoint.answer(http_answer(body, "429 Too Many Requests", "retry-after: 7", "x-request-id: req_1"))
    errors = []
    for client in clients:
        with pytest.raises(openai.RateLimitError) as raised:
            client.chat.completions.create(model="m", messages=MESSAGES, user="ana")
        errors.append((raised.value.body, raised.value.request_id, raised.value.response.headers["retry-after"]))
    assert errors[0] == errors[1]
    assert len(endpoint.requests) == 2


def test_own_errors_are_those_of_the_client(serve, endpoint):
    client = openai.OpenAI(base_url=serve(api_key="secret"), api_key="wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError) as raised:
        client.chat.completions.create(model="m", messages=MESSAGES)
    assert raised.value.code == "unauthorized" and endpoint.requests == []


def test_models_and_responses(clients, endpoint):
    endpoint.answer(http_answer(b'{"object":"list","data":[{"id":"m","object":"model","created":1,"owned_by":"x"}]}'))
    direct, through = ([each.model_dump() for each in client.models.list()] for client in clients)
    assert direct == through
    output = [{"type": "message", "id": "i", "role": "assistant", "status": "completed", "content": []}]
    endpoint.answer(http_answer(json.dumps({"id": "r", "object": "response", "output": output}).encode()))
    direct, through = (
        client.responses.create(model="m", input="Where do I live?", user="ana").model_dump() for client in clients
    )
    assert direct == through
    assert "Ana lives in Porto." in json.loads(endpoint.requests[-1].body)["input"]
