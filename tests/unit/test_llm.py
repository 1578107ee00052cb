"""The LLM seam against a real HTTP server that behaves, and misbehaves, as endpoints do."""

import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from afterturn import settings
from afterturn.errors import (
    AnswerMalformed,
    AnswerTruncated,
    InputTooLong,
    ModelRefused,
    ModelUnavailable,
    SettingsError,
)
from afterturn.llm import LLM
from tests.llm_server import LLMServer


class Digest(BaseModel):
    """The form that these tests ask for."""

    summary: str = Field(max_length=5_000)
    mood: Literal["good", "bad"] = "good"


@pytest.fixture
def server() -> Iterator[LLMServer]:
    with LLMServer() as server:
        yield server


@pytest.fixture
def llm(server: LLMServer) -> Iterator[LLM]:
    llm = LLM(model="m-1", base_url=server.base_url, api_key="secret-key", timeout_seconds=5)
    yield llm
    llm.close()


def complete(llm: LLM, user: str = "Ana moved to Lisbon"):
    return llm.complete(system="Summarize.", user=user, schema=Digest, max_tokens=200)


def test_the_answer_comes_with_its_cost(server: LLMServer, llm: LLM):
    completion = complete(llm)

    assert Digest.model_validate_json(completion.text).summary == "Ana moved to Lisbon"
    assert (completion.model, completion.finish_reason) == ("m-1", "stop")
    assert completion.prompt_tokens == -(-len("Summarize.\nAna moved to Lisbon") // 4)
    assert completion.completion_tokens == -(-len(completion.text) // 4)
    assert (completion.cached_tokens, complete(llm).cached_tokens) == (0, 3)


def test_what_is_sent(server: LLMServer, llm: LLM):
    complete(llm)

    body = server.requests[0].json
    assert body["messages"] == [
        {"role": "system", "content": "Summarize."},
        {"role": "user", "content": "Ana moved to Lisbon"},
    ]
    assert body["response_format"]["json_schema"]["name"] == "Digest"
    assert body["response_format"]["json_schema"]["strict"] is True
    assert (body["max_tokens"], body["temperature"]) == (200, 0)


def test_nothing_is_opened_before_the_first_call_and_a_closed_llm_opens_again(server: LLMServer, llm: LLM):
    assert llm._endpoint._client is None
    complete(llm)
    llm.close()
    complete(llm)
    assert len(server.requests) == 2


def test_threads_share_one_client(server: LLMServer, llm: LLM):
    server.fail("latency", seconds=0.2)
    began = time.monotonic()
    threads = [threading.Thread(target=complete, args=(llm, f"text {number}")) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(server.requests) == 8
    assert time.monotonic() - began < 1.2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_opens_its_own_client(server: LLMServer, llm: LLM):
    complete(llm)
    child = os.fork()
    if child == 0:
        try:
            complete(llm)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    complete(llm)

    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("without", "tried"),
    [
        (("json_schema",), ["json_schema", "tool"]),
        (("json_schema", "tools"), ["json_schema", "tool", "json_object"]),
        (("json_schema", "tools", "json_object"), ["json_schema", "tool", "json_object", "prompt"]),
    ],
)
def test_an_endpoint_that_cannot_is_asked_more_simply_and_that_is_remembered(without, tried):
    with LLMServer(without=without) as server:
        llm = LLM(model="m", base_url=server.base_url, timeout_seconds=5)
        answers = [Digest.model_validate_json(complete(llm).text) for _ in range(2)]
        llm.close()

    assert [answer.summary for answer in answers] == ["Ana moved to Lisbon"] * 2
    assert [mode_of(request.json) for request in server.requests] == [*tried, tried[-1]]
    assert {request.kind for request in server.requests} == {"summarize"}


def mode_of(body: dict) -> str:
    if "tools" in body:
        return "tool"
    return body.get("response_format", {}).get("type", "prompt")


def test_limits_and_temperature_are_named_as_the_model_wants():
    with LLMServer(without=("temperature", "max_tokens")) as server:
        llm = LLM(model="m", base_url=server.base_url, timeout_seconds=5)
        for _ in range(2):
            complete(llm)
        llm.close()

    assert len(server.requests) == 4
    for body in (server.requests[-1].json, server.requests[-2].json):
        assert body["max_completion_tokens"] == 200
        assert not {"temperature", "max_tokens"} & set(body)


@pytest.mark.parametrize("status", [402, 408, 409, 429, 500, 502, 503, 504])
def test_what_may_pass_is_unavailable(server: LLMServer, llm: LLM, status: int):
    server.fail("status", status=status)

    with pytest.raises(ModelUnavailable, match=f"HTTP {status}") as raised:
        complete(llm)

    assert raised.value.retry_after_seconds is None
    assert len(server.requests) == 1, "the pipeline retries, the SDK does not"


@pytest.mark.parametrize(("what", "message"), [("refuse", "cannot be reached"), ("hang", "within 0.3 s")])
def test_silence_is_unavailable(server: LLMServer, what: str, message: str):
    server.fail(what)
    llm = LLM(model="m", base_url=server.base_url, timeout_seconds=0.3)

    with pytest.raises(ModelUnavailable, match=message):
        complete(llm)
    llm.close()


def test_an_endpoint_that_only_keeps_the_connection_alive_is_left_in_time(server: LLMServer):
    server.fail("drip")
    llm = LLM(model="m", base_url=server.base_url, timeout_seconds=0.3)
    began = time.monotonic()

    with pytest.raises(ModelUnavailable, match=r"within 0\.3 s"):
        complete(llm)

    assert time.monotonic() - began < 2
    llm.close()


def test_a_stopped_server_is_unavailable(server: LLMServer, llm: LLM):
    complete(llm)
    server.stop()
    with pytest.raises(ModelUnavailable):
        complete(llm)
    server.start()
    complete(llm)


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [("7", 7, 7), ("0.5", 0.5, 0.5), ("-3", 0, 0), (formatdate(time.time() + 90, usegmt=True), 60, 91)],
)
def test_retry_after_is_read_as_seconds_or_date(server: LLMServer, llm: LLM, value: str, low: float, high: float):
    server.fail("status", status=429, retry_after=value, code="insufficient_quota")

    with pytest.raises(ModelUnavailable, match="insufficient_quota") as raised:
        complete(llm)

    assert low <= raised.value.retry_after_seconds <= high


@pytest.mark.parametrize(
    ("status", "names"),
    [
        (401, ["AFTERTURN_LLM_API_KEY"]),
        (403, ["AFTERTURN_LLM_API_KEY"]),
        (404, ["AFTERTURN_LLM_MODEL", "AFTERTURN_LLM_BASE_URL"]),
        (400, ["AFTERTURN_LLM_MODEL", "AFTERTURN_LLM_BASE_URL"]),
        (418, ["AFTERTURN_LLM_MODEL", "AFTERTURN_LLM_BASE_URL"]),
    ],
)
def test_what_will_not_pass_is_refused_and_names_the_setting(
    server: LLMServer, llm: LLM, status: int, names: list[str]
):
    server.fail("status", status=status)

    with pytest.raises(ModelRefused) as raised:
        complete(llm)

    assert all(name in str(raised.value) for name in names)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"what": "context_length"},
        {"what": "status", "status": 413},
        {"what": "status", "status": 500, "message": "Context size has been exceeded."},
        {"what": "status", "status": 400, "code": "exceed_context_size_error"},
        {"what": "status", "status": 400, "message": "max_tokens must be at least 1, got -186."},
        {"what": "status", "status": 429, "message": "Request too large for gpt on tokens per min (TPM)"},
    ],
)
def test_an_input_that_is_too_long_is_told_apart(server: LLMServer, llm: LLM, fault: dict):
    server.fail(**fault)

    with pytest.raises(InputTooLong):
        complete(llm)

    assert len(server.requests) == 1


def test_an_answer_that_is_cut_off_is_told_apart_and_has_its_cost(server: LLMServer, llm: LLM):
    server.fail("length")

    with pytest.raises(AnswerTruncated) as raised:
        complete(llm)

    assert raised.value.prompt_tokens > 0 and raised.value.completion_tokens > 0


@pytest.mark.parametrize(
    ("what", "message"), [("refusal", "refused to answer"), ("content_filter", "content filter stopped")]
)
def test_a_model_that_will_not_answer(server: LLMServer, llm: LLM, what: str, message: str):
    server.fail(what)

    with pytest.raises(ModelRefused, match=message) as raised:
        complete(llm)

    assert not isinstance(raised.value, AnswerMalformed)


def test_an_empty_answer_is_malformed(server: LLMServer, llm: LLM):
    server.fail("empty")
    with pytest.raises(AnswerMalformed, match="empty"):
        complete(llm)


def test_a_broken_answer_is_passed_on_in_a_form_that_can_be_stored(server: LLMServer, llm: LLM):
    server.queue('{"summary":"a\x00b \ud800"}', "<think>Hm, {so}</think>\n{}", "prose")

    assert [complete(llm).text for _ in range(3)] == ['{"summary":"a\ufffdb \ufffd"}', "{}", "prose"]


@pytest.mark.parametrize(("what", "error"), [("html", ModelUnavailable), ("gateway_error", ModelUnavailable)])
def test_a_200_that_is_none(server: LLMServer, llm: LLM, what: str, error: type[Exception]):
    server.fail(what, status=502)
    with pytest.raises(error):
        complete(llm)


def test_a_gateway_that_reports_a_refusal_in_a_200(server: LLMServer, llm: LLM):
    server.fail("gateway_error", status=401)
    with pytest.raises(ModelRefused, match="AFTERTURN_LLM_API_KEY"):
        complete(llm)


def test_neither_logs_nor_errors_hold_what_was_said(server: LLMServer, llm: LLM, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    server.fail("status", status=400, message="invalid input: 'my canary'", code="my canary", count=1)

    with pytest.raises(ModelRefused) as raised:
        complete(llm, "my canary")
    complete(llm, "my canary")

    assert "canary" not in str(raised.value)
    assert raised.value.__cause__ is None and raised.value.__suppress_context__
    assert "canary" not in caplog.text
    assert "secret-key" not in caplog.text


def test_an_llm_from_settings(server: LLMServer):
    values = {"AFTERTURN_LLM_BASE_URL": server.base_url, "AFTERTURN_LLM_MODEL": "local"}
    llm = LLM.from_settings(settings.load(values))

    assert json.loads(complete(llm).text)["mood"] == "good"
    assert server.requests[0].json["model"] == llm.model == "local"
    llm.close()


@pytest.mark.parametrize(
    ("values", "name"),
    [({}, "AFTERTURN_LLM_API_KEY"), ({"AFTERTURN_LLM_BASE_URL": "localhost:8000"}, "AFTERTURN_LLM_BASE_URL")],
)
def test_settings_that_name_no_endpoint_are_refused(values: dict[str, str], name: str):
    with pytest.raises(SettingsError, match=name):
        LLM.from_settings(settings.load(values))
