"""The LLM client against a real HTTP server that behaves like real endpoints."""

import json
import os
import threading
from collections.abc import Iterator
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from afterturn import settings
from afterturn.errors import SettingsError
from afterturn.llm.client import LLM
from harness.llm_server import LLMServer, replies
from harness.llm_server.http import Reply
from harness.waiting import wait_until


class Digest(BaseModel):
    """The form of the answers in these tests."""

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


def test_an_answer_contains_its_cost(server: LLMServer, llm: LLM):
    completion = complete(llm)

    assert Digest.model_validate_json(completion.text).summary == "Ana moved to Lisbon"
    assert (completion.model, completion.finish_reason) == ("m-1", "stop")
    assert completion.prompt_tokens == -(-len("Summarize.\nAna moved to Lisbon") // 4)
    assert completion.completion_tokens == -(-len(completion.text) // 4)
    assert (completion.cached_tokens, complete(llm).cached_tokens) == (0, 3)


def test_a_request_contains_messages_schema_and_limit(server: LLMServer, llm: LLM):
    complete(llm)

    body = server.requests[0].json
    assert body["messages"] == [
        {"role": "system", "content": "Summarize."},
        {"role": "user", "content": "Ana moved to Lisbon"},
    ]
    assert body["response_format"]["json_schema"]["name"] == "Digest"
    assert body["response_format"]["json_schema"]["strict"] is True
    assert (body["max_tokens"], body["temperature"]) == (200, 0)


def test_the_first_call_opens_the_connection_also_after_close(server: LLMServer, llm: LLM):
    assert llm._endpoint._client is None
    complete(llm)
    llm.close()
    complete(llm)
    assert len(server.requests) == 2


def test_threads_share_one_client(server: LLMServer, llm: LLM):
    server.fail("hold")
    threads = [threading.Thread(target=complete, args=(llm, f"text {number}")) for number in range(8)]
    for thread in threads:
        thread.start()
    # None of them waits for another one's answer.
    wait_until(lambda: len(server.requests) == 8, seconds=60)
    server.heal()
    for thread in threads:
        thread.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the platform has no fork")
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
    ("without", "modes"),
    [
        (("json_schema",), ["json_schema", "tool"]),
        (("json_schema", "tools"), ["json_schema", "tool", "json_object"]),
        (("json_schema", "tools", "json_object"), ["json_schema", "tool", "json_object", "prompt"]),
    ],
)
def test_a_rejected_mode_is_replaced_by_a_simpler_one_which_is_remembered(without, modes):
    with LLMServer(without=without) as server:
        llm = LLM(model="m", base_url=server.base_url, timeout_seconds=5)
        answers = [Digest.model_validate_json(complete(llm).text) for _ in range(2)]
        llm.close()

    assert [answer.summary for answer in answers] == ["Ana moved to Lisbon"] * 2
    assert [mode_of(request.json) for request in server.requests] == [*modes, modes[-1]]
    assert {request.kind for request in server.requests} == {"summarize"}


def test_an_endpoint_whose_first_answer_is_cut_off_keeps_its_mode(server: LLMServer, llm: LLM):
    server.queue('{"summary": "Ana moved to Li', "Ana moved.")

    assert complete(llm).text == '{"summary": "Ana moved to Li'
    assert [mode_of(request.json) for request in server.requests] == ["json_schema"]
    # Prose is no beginning of an object: such an endpoint may ignore the mode.
    complete(llm)
    assert [mode_of(request.json) for request in server.requests] == ["json_schema", "json_schema", "prompt"]


def mode_of(body: dict) -> str:
    if "tools" in body:
        return "tool"
    return body.get("response_format", {}).get("type", "prompt")


def test_rejected_parameters_are_renamed_or_left_out():
    with LLMServer(without=("temperature", "max_tokens")) as server:
        llm = LLM(model="m", base_url=server.base_url, timeout_seconds=5)
        for _ in range(2):
            complete(llm)
        llm.close()

    assert len(server.requests) == 4
    for body in (server.requests[-1].json, server.requests[-2].json):
        assert body["max_completion_tokens"] == 200
        assert not {"temperature", "max_tokens"} & set(body)


def test_characters_that_cannot_be_stored_are_replaced_in_an_answer(server: LLMServer, llm: LLM):
    server.queue('{"summary":"a\x00b \ud800"}', "<think>Hm, {so}</think>\n{}", "prose")

    assert [complete(llm).text for _ in range(3)] == ['{"summary":"a\ufffdb \ufffd"}', "{}", "prose"]


def test_tool_arguments_may_be_an_object(server: LLMServer, llm: LLM, monkeypatch: pytest.MonkeyPatch):
    body = '{"choices": [{"message": {"tool_calls": [{"function": {"arguments": {"summary": "ç"}}}]}}]}'
    monkeypatch.setattr(replies, "chat", lambda *_, **__: Reply(body=body.encode()))

    assert complete(llm).text == '{"summary":"ç"}'


def test_an_llm_is_created_from_settings(server: LLMServer):
    values = {"AFTERTURN_LLM_BASE_URL": server.base_url, "AFTERTURN_LLM_MODEL": "local"}
    llm = LLM.from_settings(settings.load(values))

    assert json.loads(complete(llm).text)["mood"] == "good"
    assert server.requests[0].json["model"] == llm.model == "local"
    llm.close()


@pytest.mark.parametrize(
    ("values", "name"),
    [({}, "AFTERTURN_LLM_API_KEY"), ({"AFTERTURN_LLM_BASE_URL": "localhost:8000"}, "AFTERTURN_LLM_BASE_URL")],
)
def test_settings_without_an_endpoint_are_rejected(values: dict[str, str], name: str):
    with pytest.raises(SettingsError, match=name):
        LLM.from_settings(settings.load(values))
