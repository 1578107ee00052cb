"""The LLM client raises errors that say whether to retry later, to give up, or to send a smaller input."""

import logging
import time
from collections.abc import Iterator
from email.utils import formatdate

import pytest
from pydantic import BaseModel

from afterturn.errors import (
    AnswerMalformed,
    AnswerTruncated,
    EndpointMisconfigured,
    InputTooLong,
    ModelError,
    ModelRefused,
    ModelUnavailable,
)
from afterturn.llm.client import LLM
from harness.llm_server import LLMServer, replies
from harness.llm_server.http import Reply


class Digest(BaseModel):
    """The form of the answers in these tests."""

    summary: str


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


@pytest.mark.parametrize("status", [402, 408, 409, 429, 500, 502, 503, 504])
def test_temporary_failures_raise_model_unavailable(server: LLMServer, llm: LLM, status: int):
    server.fail("status", status=status)

    with pytest.raises(ModelUnavailable, match=f"HTTP {status}") as raised:
        complete(llm)

    assert raised.value.retry_after_seconds is None
    assert len(server.requests) == 1, "the pipeline retries, the SDK does not"


@pytest.mark.parametrize(("what", "message"), [("refuse", "cannot be reached"), ("hang", "within 0.3 s")])
def test_no_answer_raises_model_unavailable(server: LLMServer, what: str, message: str):
    server.fail(what)
    llm = LLM(model="m", base_url=server.base_url, timeout_seconds=0.3)

    with pytest.raises(ModelUnavailable, match=message):
        complete(llm)
    llm.close()


def test_an_endpoint_that_only_keeps_the_connection_alive_is_abandoned_at_the_deadline(server: LLMServer):
    server.fail("drip")
    llm = LLM(model="m", base_url=server.base_url, timeout_seconds=0.3)

    # The endpoint goes on for ever: without a deadline of its own, the call would as well.
    with pytest.raises(ModelUnavailable, match=r"within 0\.3 s"):
        complete(llm)
    llm.close()


def test_a_stopped_server_raises_model_unavailable(server: LLMServer, llm: LLM):
    complete(llm)
    server.stop()
    with pytest.raises(ModelUnavailable):
        complete(llm)
    server.start()
    complete(llm)


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [("7", 7, 7), ("0.5", 0.5, 0.5), ("-3", 0, 0), ("in 90 s", 60, 91)],
)
def test_retry_after_may_be_seconds_or_a_date(server: LLMServer, llm: LLM, value: str, low: float, high: float):
    # The date is computed when the test runs, because a test suite takes longer than 90 s.
    retry_after = formatdate(time.time() + 90, usegmt=True) if value == "in 90 s" else value
    server.fail("status", status=429, retry_after=retry_after, code="insufficient_quota")

    with pytest.raises(ModelUnavailable, match="insufficient_quota") as raised:
        complete(llm)

    assert low <= raised.value.retry_after_seconds <= high


@pytest.mark.parametrize(
    ("status", "names"),
    [
        (401, ["AFTERTURN_LLM_API_KEY"]),
        (403, ["AFTERTURN_LLM_API_KEY"]),
        (404, ["AFTERTURN_LLM_MODEL", "AFTERTURN_LLM_BASE_URL"]),
        (410, ["AFTERTURN_LLM_MODEL", "AFTERTURN_LLM_BASE_URL"]),
        (418, ["AFTERTURN_LLM_MODEL", "AFTERTURN_LLM_BASE_URL"]),
    ],
)
def test_permanent_failures_name_the_setting_to_check(server: LLMServer, llm: LLM, status: int, names: list[str]):
    server.fail("status", status=status)

    expected = ModelRefused if status == 418 else EndpointMisconfigured
    with pytest.raises(expected) as raised:
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
        {"what": "status", "status": 422, "message": "input is too long"},
        {"what": "status", "status": 429, "message": "Request too large for gpt on tokens per min (TPM)"},
    ],
)
def test_every_form_of_a_too_long_input_raises_input_too_long(server: LLMServer, llm: LLM, fault: dict):
    server.fail(**fault)

    with pytest.raises(InputTooLong):
        complete(llm)

    assert len(server.requests) == 1


def test_too_many_tokens_per_minute_raise_model_unavailable(server: LLMServer, llm: LLM):
    server.fail("status", status=429, message="Too many tokens, please wait before trying again.")
    with pytest.raises(ModelUnavailable):
        complete(llm)


def test_if_the_input_is_too_long_a_shorter_answer_is_requested(server: LLMServer, llm: LLM):
    server.fail("context_length", count=1)

    llm.complete(system="Summarize.", user="x", schema=Digest, max_tokens=4_096)

    assert [request.json["max_tokens"] for request in server.requests] == [4_096, 1_024]


def test_a_smaller_input_is_accepted_after_a_too_long_one():
    with LLMServer(context_tokens=50) as server:
        llm = LLM(model="m", base_url=server.base_url)
        with pytest.raises(InputTooLong):
            complete(llm, "word " * 100)
        assert complete(llm, "word").text
        llm.close()


def test_a_truncated_answer_raises_answer_truncated_with_its_cost(server: LLMServer, llm: LLM):
    server.fail("length")

    with pytest.raises(AnswerTruncated) as raised:
        complete(llm)

    assert raised.value.prompt_tokens > 0 and raised.value.completion_tokens > 0


@pytest.mark.parametrize(
    ("what", "message"), [("refusal", "refused to answer"), ("content_filter", "content filter stopped")]
)
def test_a_refusal_of_the_model_raises_model_refused(server: LLMServer, llm: LLM, what: str, message: str):
    server.fail(what)

    with pytest.raises(ModelRefused, match=message) as raised:
        complete(llm)

    assert not isinstance(raised.value, AnswerMalformed)


def test_an_empty_answer_raises_answer_malformed(server: LLMServer, llm: LLM):
    server.fail("empty")
    with pytest.raises(AnswerMalformed, match="empty"):
        complete(llm)


@pytest.mark.parametrize(("what", "error"), [("html", ModelUnavailable), ("gateway_error", ModelUnavailable)])
def test_status_200_with_an_error_raises_model_unavailable(
    server: LLMServer, llm: LLM, what: str, error: type[Exception]
):
    server.fail(what, status=502)
    with pytest.raises(error):
        complete(llm)


@pytest.mark.parametrize(
    "body",
    [
        "{}",
        "[]",
        "7",
        "",
        '{"choices": []}',
        '{"choices": {}}',
        '{"choices": [7]}',
        '{"choices": [{"message": null}]}',
        '{"choices": [{"message": {"content": 7, "tool_calls": 7}, "finish_reason": 7}], "usage": 7}',
        '{"choices": [{"message": {"tool_calls": [7, {"function": 7}]}}], "usage": {"prompt_tokens": "x"}}',
        '{"error": 7}',
        '{"error": {"code": "x", "message": {"a": 1}}}',
        "[" * 100_000,
    ],
)
def test_bodies_of_unknown_form_raise_model_errors(
    server: LLMServer, llm: LLM, monkeypatch: pytest.MonkeyPatch, body: str
):
    monkeypatch.setattr(replies, "chat", lambda *_, **__: Reply(body=body.encode()))

    with pytest.raises(ModelError):
        complete(llm)


def test_a_status_inside_a_body_is_respected(server: LLMServer, llm: LLM):
    server.fail("gateway_error", status=401)
    with pytest.raises(EndpointMisconfigured, match="AFTERTURN_LLM_API_KEY"):
        complete(llm)


def test_neither_logs_nor_errors_contain_the_input(server: LLMServer, llm: LLM, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    server.fail("status", status=400, message="invalid input: 'my canary'", code="my canary")

    with pytest.raises(ModelRefused) as raised:
        complete(llm, "my canary")
    server.heal()
    complete(llm, "my canary")

    assert "canary" not in str(raised.value)
    assert raised.value.__cause__ is None and raised.value.__suppress_context__
    assert "canary" not in caplog.text
    assert "secret-key" not in caplog.text
