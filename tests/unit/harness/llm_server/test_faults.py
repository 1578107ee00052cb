"""What the test server can be told to do wrong, as the real SDK sees it."""

import json
import threading
import time
from collections.abc import Iterator

import openai
import pytest

from harness.llm_server import Fault, LLMServer


@pytest.fixture
def server() -> Iterator[LLMServer]:
    with LLMServer() as server:
        yield server


@pytest.fixture
def client(server: LLMServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.base_url, api_key="k", max_retries=0, timeout=0.5) as client:
        yield client


def ask(client: openai.OpenAI, text: str = "[1] Ana (2023-05-08T13:56:00+00:00): I moved, to Lisbon."):
    answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    return answer.choices[0]


def test_refuse_hangs_up_without_an_answer(server: LLMServer, client: openai.OpenAI):
    server.fail("refuse", count=1)

    with pytest.raises(openai.APIConnectionError) as raised:
        ask(client)

    assert not isinstance(raised.value, openai.APITimeoutError)
    assert ask(client).message.content


@pytest.mark.parametrize("what", ["hang", "hold"])
def test_calls_that_are_not_answered_time_out(server: LLMServer, client: openai.OpenAI, what: str):
    server.fail(what, count=1)

    with pytest.raises(openai.APITimeoutError):
        ask(client)

    assert ask(client).message.content


def test_held_calls_are_answered_when_the_fault_is_cleared(server: LLMServer, client: openai.OpenAI):
    server.fail("hold", on="chat")
    texts: list[str] = []
    patient = client.with_options(timeout=10)
    threads = [threading.Thread(target=lambda: texts.append(ask(patient).message.content)) for _ in range(3)]
    for thread in threads:
        thread.start()
    while len(server.requests) < 3:
        time.sleep(0.01)

    assert texts == []
    server.heal()
    for thread in threads:
        thread.join(10)
    assert len(texts) == 3


def test_a_hanging_call_leaves_no_thread_when_the_server_stops():
    before = threading.active_count()
    with LLMServer() as server, openai.OpenAI(base_url=server.base_url, api_key="k", max_retries=0) as client:
        server.fail("hang")
        errors: list[Exception] = []

        def call() -> None:
            try:
                ask(client)
            except openai.APIConnectionError as error:
                errors.append(error)

        thread = threading.Thread(target=call)
        thread.start()
        while not server.requests:
            time.sleep(0.01)
        server.stop()
        thread.join(10)

        assert len(errors) == 1
    assert threading.active_count() == before


def test_a_stopped_server_comes_back_on_its_port(server: LLMServer, client: openai.OpenAI):
    url = server.base_url
    server.stop()
    with pytest.raises(openai.APIConnectionError):
        ask(client)

    server.start()

    assert server.base_url == url
    assert ask(client).message.content


def test_latency_delays_and_goes_with_other_faults(server: LLMServer, client: openai.OpenAI):
    server.fail("latency", seconds=0.1)
    server.fail("status", status=503, count=1)
    began = time.monotonic()

    with pytest.raises(openai.InternalServerError):
        ask(client)
    assert ask(client).message.content

    assert time.monotonic() - began >= 0.2


def test_statuses_come_with_their_error_object_and_retry_after(server: LLMServer, client: openai.OpenAI):
    server.fail("status", status=429, retry_after="7", code="insufficient_quota", count=1)

    with pytest.raises(openai.RateLimitError) as raised:
        ask(client)

    assert raised.value.response.headers["retry-after"] == "7"
    assert raised.value.code == "insufficient_quota"


def test_a_context_that_is_too_long_is_a_400_with_its_code(server: LLMServer, client: openai.OpenAI):
    server.fail("context_length", count=1)

    with pytest.raises(openai.BadRequestError) as raised:
        ask(client)

    assert raised.value.code == "context_length_exceeded"


def test_broken_answers(server: LLMServer, client: openai.OpenAI):
    whole = ask(client).message.content
    seen = {}
    for what in ("truncated_json", "length", "wrong_schema", "prose", "fenced", "empty", "nul", "content_filter"):
        server.fail(what, count=1)
        choice = ask(client)
        seen[what] = (choice.message.content, choice.finish_reason)

    assert seen["truncated_json"] == (whole[: len(whole) // 2], "stop")
    assert seen["length"] == (whole[: len(whole) // 2], "length")
    assert json.loads(seen["wrong_schema"][0])["facts"] == "none"
    assert seen["prose"][0].startswith("Sure!")
    assert seen["fenced"][0] == f"```json\n{whole}\n```"
    assert seen["empty"] == ("", "stop")
    assert "\x00" in seen["nul"][0] and "\\u0000" in seen["nul"][0]
    assert seen["content_filter"][1] == "content_filter"


def test_false_evidence(server: LLMServer, client: openai.OpenAI):
    evidence = []
    for what in ("unknown_turns", "invented_quotes"):
        server.fail(what, count=1)
        evidence += json.loads(ask(client).message.content)["facts"][0]["evidence"]

    assert evidence[0] == {"turn": 1_001, "quote": "I moved, to Lisbon."}
    assert evidence[1]["turn"] == 1
    assert evidence[1]["quote"] not in "I moved, to Lisbon."


def test_a_refusal_stands_in_its_own_field(server: LLMServer, client: openai.OpenAI):
    server.fail("refusal", count=1)

    assert ask(client).message.refusal


def test_a_fault_hits_its_kind_only_and_after_as_many_calls_as_it_was_told(server: LLMServer, client: openai.OpenAI):
    server.fail("status", status=500, on="embeddings")
    server.fail("status", status=503, on="extract", after=1, count=1)

    outcomes = []
    for _ in range(3):
        try:
            outcomes.append(ask(client).finish_reason)
        except openai.InternalServerError as error:
            outcomes.append(error.status_code)
    with pytest.raises(openai.InternalServerError):
        client.embeddings.create(model="e", input="x")

    assert outcomes == ["stop", 503, "stop"]
    assert [request.faults for request in server.requests] == [(), ("status",), (), ("status",)]
    server.heal()
    assert client.embeddings.create(model="e", input="x").data


def test_what_is_hit_by_chance_is_the_same_in_every_run_and_order():
    def hit_texts(order: list[int]) -> set[int]:
        with LLMServer() as server, openai.OpenAI(base_url=server.base_url, api_key="k", max_retries=0) as client:
            server.fail("prose", probability=0.3, seed=5)
            return {number for number in order if ask(client, f"hello {number}").message.content.startswith("Sure!")}

    numbers = list(range(60))
    hit = hit_texts(numbers)

    assert 5 < len(hit) < 40
    assert hit_texts(numbers[::-1]) == hit


def test_what_an_endpoint_is_without_it_refuses_in_known_words():
    with (
        LLMServer(without=("json_object", "tools")) as server,
        openai.OpenAI(base_url=server.base_url, api_key="k", max_retries=0) as client,
        pytest.raises(openai.BadRequestError, match="must be 'json_schema'"),
    ):
        messages = [{"role": "user", "content": "hi"}]
        client.chat.completions.create(model="m", messages=messages, response_format={"type": "json_object"})


def test_an_unknown_fault_is_refused():
    with pytest.raises(ValueError, match="what must be one of"):
        Fault(what="explode")
