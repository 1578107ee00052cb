"""What of a chat becomes turns: of whole answers, of streams, of streams that break off, of histories."""

import gzip
import json
import time

import pytest

from afterturn import MemoryClient
from afterturn.context import memory_block
from api_shim.chat import spoken
from tests.integration.chat.conftest import chunk, http_answer, stream_head, wait_for_turns, whole_answer

SESSION = {"X-Afterturn-User": "ana", "X-Afterturn-Session": "s"}
DONE = b"data: [DONE]\n\n"
HELLO = {"role": "user", "content": "Hello"}


@pytest.fixture
def memory(settings):
    return MemoryClient("ana", "s", settings=settings)


def ask(http, *messages, headers=SESSION, **fields):
    return http.post("/chat/completions", json={"model": "m", "messages": list(messages)} | fields, headers=headers)


def call_part(index, **function):
    return {"tool_calls": [{"index": index, "function": function}]}


STREAMS = {
    "text": (
        [chunk({"role": "assistant", "content": ""}), chunk({"content": "Hi"}), chunk({"content": "!"}), DONE],
        "Hi!",
    ),
    "choice 0 of two": ([chunk({"content": "b"}, index=1), chunk({"content": "a"}), DONE], "a"),
    "usage without choices": ([chunk({"content": "a"}), b'data: {"choices":[],"usage":{}}\n\n', DONE], "a"),
    "without an end": ([chunk({"content": "Hi"}), chunk({"content": " the"})[:-1]], "Hi the"),
    "cut in an event": ([chunk({"content": "Hi"}), chunk({"content": " there"})[:40]], "Hi"),
    "nothing after the end": ([chunk({"content": "a"}), DONE, chunk({"content": "b"})], "a"),
    "line ends": ([chunk({"content": "a"}).replace(b"\n", b"\r\n"), b"data: [DONE]\r\n\r\n"], "a"),
    "old line ends": ([chunk({"content": "a"}).replace(b"\n", b"\r"), b"data: [DONE]\r\r"], "a"),
    "one byte at a time": ([bytes([each]) for each in chunk({"content": "猫"}) + DONE], "猫"),
    "several lines of data": ([b'data: {"choices":\ndata: [{"delta":{"content":"a"}}]}\n\n', DONE], "a"),
    "comments": ([b": ping\n\n", chunk({"content": "a"}), b":\n\n", DONE], "a"),
    "a surrogate": ([b'data: {"choices":[{"delta":{"content":"a\\ud83d"}}]}\n\n', DONE], "a\ufffd"),
    "a surrogate in two parts": ([chunk({"content": "\ud83d"}), chunk({"content": "\ude00"}), DONE], "\ufffd\ufffd"),
    "a refusal": ([chunk({"refusal": "I can"}), chunk({"refusal": "not."}), DONE], "I cannot."),
    "reasoning": ([chunk({"reasoning_content": "hm"}), chunk({"content": "a"}), DONE], "a"),
    "odd events": (
        [b"data: {\n\n", b"data: []\n\n", chunk(None), chunk({"content": 7}), chunk({"content": "a"}), DONE],
        "a",
    ),
    "a very long line": ([b"data: " + b"x" * 5_000_000 + b"\n\n", chunk({"content": "a"}), DONE], "a"),
}


@pytest.mark.parametrize("name", STREAMS)
def test_streams(name, http, endpoint, memory):
    parts, expected = STREAMS[name]
    endpoint.answer(stream_head(), *parts)
    ask(http, HELLO, stream=True)
    assert wait_for_turns(memory, 2) == [("user", "Hello"), ("assistant", expected)]


def test_a_stream_that_breaks_off_is_kept_as_far_as_it_was_delivered(http, endpoint, memory):
    endpoint.answer(stream_head("content-length: 10000"), chunk({"content": "Once upon"}))
    with pytest.raises(Exception, match="peer closed"):
        ask(http, HELLO, stream=True)
    assert wait_for_turns(memory, 2) == [("user", "Hello"), ("assistant", "Once upon")]


def test_a_stream_that_its_client_leaves_is_kept_as_far_as_it_was_delivered(http, endpoint, memory):
    endpoint.answer(stream_head(), chunk({"content": "Once upon"}), 0.3, chunk({"content": " a time"}), 20.0)
    body = {"messages": [HELLO], "stream": True}
    with http.stream("POST", "/chat/completions", json=body, headers=SESSION) as answer:
        assert next(answer.iter_raw()) == chunk({"content": "Once upon"})
    assert wait_for_turns(memory, 2) == [("user", "Hello"), ("assistant", "Once upon")]
    # The client sends back what it had.
    endpoint.answer(whole_answer("Of course."))
    ask(http, HELLO, {"role": "assistant", "content": "Once"}, {"role": "user", "content": "Go on"})
    expected = [("user", "Hello"), ("assistant", "Once"), ("user", "Go on"), ("assistant", "Of course.")]
    assert wait_for_turns(memory, expected) == expected


def test_calls_of_tools(http, endpoint, memory):
    first = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "find", "arguments": ""}}
    second = {"index": 1, "id": "call_2", "type": "function", "function": {"name": "book", "arguments": '{"n":2.0}'}}
    parts = [chunk({"tool_calls": [first]}), chunk(call_part(0, arguments='{"city":')), chunk({"tool_calls": [second]})]
    endpoint.answer(stream_head(), *parts, chunk(call_part(0, arguments='"Porto"}')), DONE)
    ask(http, HELLO, stream=True)
    assert wait_for_turns(memory, 2) == [("user", "Hello"), ("assistant", "")]
    calls = memory.history()[1].metadata["tool_calls"]
    assert [(call["id"], call["function"]) for call in calls] == [
        ("call_1", {"name": "find", "arguments": '{"city":"Porto"}'}),
        ("call_2", {"name": "book", "arguments": '{"n":2.0}'}),
    ]
    assistant = {"role": "assistant", "content": None, "tool_calls": calls}
    endpoint.answer(whole_answer("Done."))
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "ok"} for call in calls]
    ask(http, HELLO, assistant, *results)
    ask(http, HELLO, assistant, *results)
    expected = [("user", "Hello"), ("assistant", ""), ("tool", "ok"), ("tool", "ok"), ("assistant", "Done.")]
    assert wait_for_turns(memory, 5) == expected


ANSWERS = {
    "a compressed one": http_answer(
        gzip.compress(b'{"choices":[{"message":{"content":"a"}}]}'), "200 OK", "content-encoding: gzip"
    ),
    "choice 0 of two": http_answer(
        b'{"choices":[{"index":1,"message":{"content":"b"}},{"index":0,"message":{"content":"a"}}]}'
    ),
    "numbers": http_answer(b'{"choices":[{"message":{"content":"a"}}],"n":' + b"9" * 5_000 + b"}"),
    "unknown fields": whole_answer("a", reasoning_content="hm", odd={"x": [1]}, annotations=[], refusal=None),
    "parts": whole_answer([{"type": "text", "text": "a"}]),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_whole_answers(name, http, endpoint, memory):
    endpoint.answer(ANSWERS[name])
    ask(http, HELLO)
    assert wait_for_turns(memory, 2) == [("user", "Hello"), ("assistant", "a")]


@pytest.mark.parametrize("status", ["429 Too Many Requests", "500 Error", "307 Temporary Redirect", "400 Bad Request"])
def test_what_fails_writes_nothing(status, http, endpoint, memory):
    endpoint.answer(http_answer(b'{"choices":[{"message":{"content":"a"}}]}', status))
    ask(http, HELLO)
    endpoint.answer(whole_answer("b"))
    ask(http, HELLO)
    assert wait_for_turns(memory, 2) == [("user", "Hello"), ("assistant", "b")]


@pytest.mark.parametrize(("mode", "count"), [("on", 2), ("read", 0), ("write", 2), ("off", 0), ("OFF", 0)])
def test_the_header_says_what_is_done(mode, count, http, endpoint, memory):
    answer = ask(http, HELLO, headers=SESSION | {"X-Afterturn-Memory": mode})
    assert answer.headers["x-afterturn-memory"] == mode.lower()
    time.sleep(0.3)
    assert len(wait_for_turns(memory, count)) == count


def test_an_old_history_is_written_once(http, endpoint, memory, settings):
    history = [{"role": ("user", "assistant")[n % 2], "content": f"message {n}"} for n in range(1_500)]
    for _ in range(2):
        ask(http, {"role": "system", "content": "S"}, *history, HELLO)
        time.sleep(0.5)
    assert len(wait_for_turns(memory, 1_000)) == 1_000
    ask(http, *history, HELLO, {"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "Bye"})
    assert wait_for_turns(memory, 1_000)[-4:] != []
    ends = time.monotonic() + 60
    while (last := [turn.content for turn in memory.history(4)]) != ["Hello", "Hello!", "Bye", "Hello!"]:
        assert time.monotonic() < ends, last
        time.sleep(0.05)


def test_an_edit_takes_back_what_it_replaces(http, endpoint, memory, pipeline):
    ask(http, HELLO)
    wait_for_turns(memory, 2)
    history = [HELLO, {"role": "assistant", "content": "Hello!"}]
    endpoint.answer(whole_answer("Nice!"))
    ask(http, *history, {"role": "user", "content": "I live in Porto."})
    assert len(wait_for_turns(memory, 4)) == 4
    pipeline.settle()
    assert [fact.text for fact in memory.facts()] != []
    endpoint.answer(whole_answer("Good!"))
    ask(http, *history, {"role": "user", "content": "How are you?"})
    expected = [("user", "Hello"), ("assistant", "Hello!"), ("user", "How are you?"), ("assistant", "Good!")]
    assert wait_for_turns(memory, expected) == expected
    pipeline.settle()
    assert wait_for_turns(memory, expected) == expected
    assert memory.facts() == []


def test_turns_are_the_same_after_they_were_archived_and_redis_is_empty(http, endpoint, memory, pipeline, hot_store):
    ask(http, HELLO)
    wait_for_turns(memory, 2)
    pipeline.settle()
    hot_store.flushdb()
    ask(http, HELLO, {"role": "assistant", "content": " Hello! "}, {"role": "user", "content": "Bye"})
    expected = [("user", "Hello"), ("assistant", "Hello!"), ("user", "Bye"), ("assistant", "Hello!")]
    assert wait_for_turns(memory, expected) == expected
    pipeline.settle()
    assert wait_for_turns(memory, expected) == expected


def test_blocks_that_a_client_sends_back_are_not_stored(http, endpoint, memory):
    block = memory_block.render([("relevant", [memory_block.make_line("fact", "1", None, "canary")])])
    ask(http, {"role": "user", "content": f"Hello\n\n{block}"})
    assert wait_for_turns(memory, 2) == [("user", "Hello"), ("assistant", "Hello!")]
    assert endpoint.requests[0].body.count(b"canary") == 1
    ask(http, HELLO)
    time.sleep(0.3)
    assert len(memory.history()) == 2


def test_images_names_and_roles(http, endpoint, memory):
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 500_000}}
    content = [{"type": "text", "text": "Look"}, image]
    ask(http, {"role": "developer", "content": "D"}, {"role": "user", "name": "Ana", "content": content})
    assert wait_for_turns(memory, 2)[0] == ("user", "Look\n[image]")
    assert memory.history()[0].name == "Ana"
    sent = json.loads(endpoint.requests[0].body)["messages"][1]["content"]
    assert sent[:2] == content


def test_a_message_of_a_megabyte(http, endpoint, memory):
    answer = ask(http, {"role": "user", "content": "word " * 200_000})
    assert answer.status_code == 200
    [user, _] = wait_for_turns(memory, 2)
    assert user[1].startswith("word word") and user[1].endswith(" more characters]")
    assert len(endpoint.requests[0].body) >= 1_000_000


def test_a_conversation_without_a_name_is_one_session(http, endpoint, settings):
    user = {"X-Afterturn-User": "ana"}
    system = {"role": "system", "content": "Be brief. Today is 2026-01-01."}
    first = ask(http, system, HELLO, headers=user)
    later = [HELLO, {"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "Bye"}]
    second = ask(http, system | {"content": "Be brief. Today is 2026-01-02."}, *later, headers=user)
    other = ask(http, {"role": "user", "content": "Another"}, headers=user)
    ids = [each.headers["x-afterturn-session"] for each in (first, second, other)]
    assert ids[0] == ids[1] != ids[2]
    assert ids[0] == spoken.derive_session_id([system, HELLO], None)
    assert len(wait_for_turns(MemoryClient("ana", ids[0], settings=settings), 4)) == 4
    assert len(wait_for_turns(MemoryClient("ana", ids[2], settings=settings), 2)) == 2


ODD_CONTENTS = {
    "a lone surrogate": '"\\ud83d"',
    "nul": '"a\\u0000b"',
    "no words": '"..."',
    "numbers in parts": '[{"type":"text","text":"a"},{"type":"x","n":1E400,"m":' + "9" * 5_000 + "}]",
}


@pytest.mark.parametrize("name", ODD_CONTENTS)
def test_odd_messages_are_answered_and_written(name, http, endpoint, memory):
    body = '{"n":2.0,"messages":[{"role":"user","content":%s}]}' % ODD_CONTENTS[name]  # noqa: UP031
    answer = http.post("/chat/completions", content=body, headers=SESSION)
    assert (answer.status_code, answer.headers["x-afterturn-memory"]) == (200, "on")
    assert endpoint.requests[0].body == body.encode()
    assert ("assistant", "Hello!") in wait_for_turns(memory, 2, seconds=1)


def test_odd_ids_of_responses(http, endpoint, settings):
    body = '{"input":"Hi","previous_response_id":"\\ud83d","user":"ana"}'
    endpoint.answer(http_answer(b'{"id":"\\ud83d","output":[]}'))
    answer = http.post("/responses", content=body)
    assert (answer.status_code, answer.headers["x-afterturn-memory"]) == (200, "on")
    stored = MemoryClient("ana", answer.headers["x-afterturn-session"], settings=settings)
    assert wait_for_turns(stored, 1) == [("user", "Hi")]
