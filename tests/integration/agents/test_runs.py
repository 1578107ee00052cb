"""An agent answers through the configured model with what is known of the user, and both sides become turns."""

import json
import socket
import time
from urllib.parse import urlsplit

import httpx
import pytest

from afterturn import MemoryClient
from api_shim.agents.service import DEFAULT_INSTRUCTIONS
from harness.raw_endpoint import RawEndpoint
from tests.integration.agents.conftest import ANSWER, prompts, read_events
from tests.integration.chat.conftest import chunk, serving, stream_head, wait_for_turns

PATHS = ("/v1/agents/concierge/run", "/agents/concierge/runs")


@pytest.fixture
def memory(settings):
    return MemoryClient("ana", "s", settings=settings)


def test_an_answer_is_one_object_and_both_sides_become_turns(run, model, memory):
    answer = run("Hello").json()
    [written, said] = memory.history()
    assert [(turn.role, turn.content, turn.agent_id) for turn in (written, said)] == [
        ("user", "Hello", "concierge"),
        ("assistant", ANSWER, "concierge"),
    ]
    assert answer == {
        "run_id": said.turn_id,
        "agent_id": "concierge",
        "agent_name": "concierge",
        "user_id": "ana",
        "session_id": "s",
        "content": ANSWER,
        "content_type": "str",
        "model": "scripted",
        "status": "COMPLETED",
        "created_at": answer["created_at"],
        "metrics": answer["metrics"],
        "memory": "on",
        "memory_ids": [],
    }
    assert abs(answer["created_at"] - time.time()) < 60
    assert answer["metrics"]["total_tokens"] > answer["metrics"]["output_tokens"] > 0
    assert prompts(model) == [
        [{"role": "system", "content": DEFAULT_INSTRUCTIONS}, {"role": "user", "content": "Hello"}]
    ]


@pytest.mark.parametrize("path", PATHS)
def test_a_stream_has_the_events_of_agent_os(path, http, memory):
    body = {"message": "Hello", "user_id": "ana", "session_id": "s", "stream": True}
    answer = http.post(path, json=body)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = read_events(answer.text)
    names = [name for name, _ in events]
    assert names == ["RunStarted", *["RunContent"] * (len(names) - 2), "RunCompleted"] and len(names) > 4
    assert all(data["event"] == name for name, data in events)
    assert "".join(data["content"] for name, data in events if name == "RunContent") == ANSWER
    assert events[-1][1]["content"] == ANSWER and events[-1][1]["metrics"]["output_tokens"] > 0
    said = memory.history()[1]
    assert {(data["run_id"], data["agent_id"], data["session_id"]) for _, data in events} == {
        (said.turn_id, "concierge", "s")
    }
    assert wait_for_turns(memory, 2) == [("user", "Hello"), ("assistant", ANSWER)]


def test_each_path_has_its_own_default_form(http):
    kinds = [http.post(path, json={"message": "Hello", "user_id": "ana"}).headers["content-type"] for path in PATHS]
    assert kinds == ["application/json", "text/event-stream; charset=utf-8"]


FORMS = {
    "urlencoded": {"data": {"message": "Olá, 1+1 & 2?", "user_id": "ana", "session_id": "s", "stream": "False"}},
    "multipart": {
        "files": {name: (None, value) for name, value in {"message": "Olá, 1+1 & 2?", "user_id": "ana"}.items()}
        | {"session_id": (None, "s"), "stream": (None, "false")}
    },
    "UTF-8 as it is": {
        "content": "message=Olá, 1%2B1 %26 2?&user_id=ana&session_id=s&stream=false".encode(),
        "headers": {"content-type": "application/x-www-form-urlencoded"},
    },
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("form", FORMS)
def test_forms_are_read_like_json(path, form, http, memory):
    answer = http.post(path, **FORMS[form])
    assert (answer.status_code, answer.json()["content"]) == (200, ANSWER)
    assert memory.history()[0].content == "Olá, 1+1 & 2?"


REFUSED = {
    "no message": ({"json": {"user_id": "ana"}}, 422, "message"),
    "an empty message": ({"json": {"message": "", "user_id": "ana"}}, 422, "message"),
    "an unknown field": ({"json": {"message": "a", "files": []}}, 422, "files"),
    "an unknown field of a form": ({"data": {"message": "a", "session_state": "{}"}}, 422, "session_state"),
    "a field twice": (
        {"content": b"message=a&message=b", "headers": {"content-type": "application/x-www-form-urlencoded"}},
        422,
        "more than once",
    ),
    "very many fields": (
        {"content": b"a&" * 200_000, "headers": {"content-type": "application/x-www-form-urlencoded"}},
        422,
        "100",
    ),
    "a form that is no UTF-8": (
        {"content": b"message=\xff", "headers": {"content-type": "application/x-www-form-urlencoded"}},
        422,
        "UTF-8",
    ),
    "an uploaded file": (
        {"data": {"message": "a"}, "files": {"files": ("a.txt", b"a")}},
        422,
        "cannot be read",
    ),
    "no JSON": ({"content": b"{", "headers": {"content-type": "application/json"}}, 422, "JSON"),
    "another type": ({"content": b"a", "headers": {"content-type": "text/plain"}}, 415, "application/json"),
    "an id that is none": ({"json": {"message": "a", "user_id": "a\n"}}, 422, "user_id"),
    "a reserved session": ({"json": {"message": "a", "session_id": "~edits"}}, 422, "session_id"),
    "a turn that is too large": ({"json": {"message": "a" * 7_000_000}}, 422, "AFTERTURN_TURN_LIMIT_BYTES"),
    "an unknown parameter": ({"json": {"message": "a"}, "params": {"x": "1"}}, 422, "x"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_named_and_nothing_is_stored(name, http, model, hot_store):
    request, status, word = REFUSED[name]
    for path in PATHS:
        answer = http.post(path, **request)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert word in answer.json()["detail"]
    assert prompts(model) == [] and hot_store.keys("at:*pending*") == []


def test_the_model_sees_the_conversation_and_the_memory_of_the_user_alone(run, model, pipeline):
    run("I live in Porto.", name="Ana")
    run("I live in Rome.", user_id="ben")
    pipeline.settle()
    model.forget()
    answer = run("Where do I live?", session_id="another").json()
    [messages] = prompts(model)
    assert "I live in Porto." in messages[1]["content"] and "Rome" not in str(messages)
    assert answer["memory_ids"] != []
    [said] = MemoryClient("ana", "another", settings=pipeline.settings).history()[1:]
    assert said.role == "assistant"
    model.forget()
    run("And my river?")
    [messages] = prompts(model)
    assert [(each["role"], each["content"]) for each in messages if each["role"] != "system"] == [
        ("user", "I live in Porto."),
        ("assistant", ANSWER),
        ("user", "And my river?"),
    ]
    assert "Rome" not in str(messages)


def test_without_a_session_each_run_has_a_new_one(http):
    sessions = {http.post(PATHS[0], json={"message": "a", "user_id": "ana"}).json()["session_id"] for _ in range(2)}
    blanks = dict.fromkeys(("session_id", "stream", "name", "instructions"), "")
    empty = http.post(PATHS[0], data={"message": "a", "user_id": "ana"} | blanks).json()["session_id"]
    assert len(sessions | {empty}) == 3


def test_instructions_stand_first(run, model):
    run("Hello", instructions="You are terse.")
    assert prompts(model)[0][0] == {"role": "system", "content": "You are terse."}


ODD = {"a lone surrogate": "\ud83d Hello", "a NUL": "Hel\x00lo", "a large text": "Hello " * 20_000, "a blank": " "}


@pytest.mark.parametrize("name", ODD)
def test_any_text_is_answered(name, http, memory):
    body = json.dumps({"message": ODD[name], "user_id": "ana", "session_id": "s", "instructions": ODD[name]})
    answer = http.post(PATHS[0], content=body.encode(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json().get("content")) == (200, ANSWER)
    assert [turn.role for turn in memory.history()] == ["user", "assistant"]


UNAVAILABLE = {
    "a status": ({"what": "status", "status": 503, "retry_after": "7"}, 503, "model_unavailable"),
    "no connection": ({"what": "refuse"}, 503, "model_unavailable"),
    "a wrong key": ({"what": "status", "status": 401}, 503, "endpoint_misconfigured"),
    "a refusal": ({"what": "refusal"}, 502, "model_refused"),
    "an empty answer": ({"what": "empty"}, 502, "answer_malformed"),
}


@pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", UNAVAILABLE)
def test_without_the_model_the_message_is_kept_and_the_error_says_why(name, is_stream, run, model, memory):
    fault, status, code = UNAVAILABLE[name]
    model.fail(**fault)
    answer = run("I live in Porto.", stream=is_stream)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers.get("retry-after") == fault.get("retry_after")
    assert wait_for_turns(memory, 1) == [("user", "I live in Porto.")]
    # Sent again, the message stands once in the prompt.
    model.heal()
    model.forget()
    assert run("I live in Porto.").status_code == 200
    assert [each["role"] for each in prompts(model)[0]].count("user") == 1


def test_without_a_configured_model_nothing_is_stored(settings, hot_store):
    with serving(settings) as url:
        answer = httpx.post(f"{url}/agents/concierge/run", json={"message": "Hello", "user_id": "ana"})
    assert (answer.status_code, answer.json()["code"]) == (503, "endpoint_misconfigured")
    assert "AFTERTURN_LLM_BASE_URL" in answer.json()["detail"]
    assert hot_store.keys("at:*pending*") == []


@pytest.mark.parametrize("what", ["break", "stream_error"])
def test_a_stream_that_breaks_off_ends_with_an_error_and_is_kept_as_far_as_it_was_delivered(what, run, model, memory):
    model.queue("Once upon a time there was a queen who lived in a castle by the sea and had seven daughters.")
    model.fail(what)
    events = read_events(run("Tell me a story", stream=True).text)
    assert [name for name, _ in events][-1] == "RunError"
    assert events[-1][1]["error_type"] == "model_unavailable"
    delivered = "".join(data["content"] for name, data in events if name == "RunContent")
    assert delivered and delivered.startswith("Once")
    assert wait_for_turns(memory, 2) == [("user", "Tell me a story"), ("assistant", delivered)]


def test_a_whole_answer_that_breaks_off_is_not_kept(run, model, memory):
    model.queue("Once upon a time there was a queen.")
    model.fail("stream_error")
    assert run("Tell me a story").json()["code"] == "model_unavailable"
    assert wait_for_turns(memory, 1) == [("user", "Tell me a story")]


@pytest.fixture
def slow_model(settings, hot_store):
    """An endpoint that never ends its answer, and the address of an API that asks it."""
    with RawEndpoint() as endpoint:
        endpoint.answer(stream_head(), chunk({"content": "Once upon"}), 120.0)
        given = settings.model_dump(exclude_unset=True) | {"llm_base_url": endpoint.base_url}
        with serving(type(settings)(**given)) as url:
            yield endpoint, url


@pytest.mark.parametrize(
    ("is_stream", "kept"),
    [(True, [("user", "Hello"), ("assistant", "Once upon")]), (False, [("user", "Hello")])],
    ids=["stream", "whole"],
)
def test_a_client_that_leaves_ends_the_models_answer_and_what_it_got_is_kept(is_stream, kept, slow_model, memory):
    endpoint, url = slow_model
    body = b'{"message":"Hello","user_id":"ana","session_id":"s","stream":%s}' % (b"true" if is_stream else b"false")
    address = urlsplit(url)
    head = b"POST /v1/agents/a/run HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    with socket.create_connection((address.hostname, address.port)) as opened:
        opened.sendall(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        received = b""
        while is_stream and b"Once upon" not in received:
            received += opened.recv(10_000)
        while not endpoint.requests:
            time.sleep(0.02)
    # Otherwise the endpoint would send for 120 s.
    assert endpoint.requests[0].done.wait(60)
    assert endpoint.requests[0].is_left
    assert wait_for_turns(memory, len(kept)) == kept


def test_a_repeated_request_with_a_key_gets_the_first_answer_and_writes_nothing(http, model, memory):
    body = {"message": "Hello", "user_id": "ana", "session_id": "s"}
    key = {"Idempotency-Key": "k-1"}
    first = http.post(PATHS[0], json=body, headers=key).json()
    again = http.post(PATHS[0], json=body, headers=key).json()
    streamed = read_events(http.post(PATHS[0], json=body | {"stream": True}, headers=key).text)
    same = ("run_id", "content", "session_id")
    assert [first[name] for name in same] == [again[name] for name in same]
    assert [name for name, _ in streamed] == ["RunStarted", "RunContent", "RunCompleted"]
    assert again["metrics"] is None and len(prompts(model)) == 1
    assert len(memory.history()) == 2
    other = http.post(PATHS[0], json=body | {"message": "Goodbye"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "turn_id_used")
    without = {"message": "Hello", "user_id": "ana"}
    ids = {http.post(PATHS[0], json=without, headers={"Idempotency-Key": "k-2"}).json()["run_id"] for _ in range(2)}
    assert len(ids) == 1
