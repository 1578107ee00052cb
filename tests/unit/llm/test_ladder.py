"""Which form of request is tried after a refusal, how often, and for how long it is remembered."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest
import redis
from pydantic import BaseModel

from afterturn import settings
from afterturn.endpoints import learned
from afterturn.errors import AnswerTruncated, EndpointMisconfigured, ModelRefused, SettingsError
from afterturn.llm.client import LLM
from harness.llm_server import LLMServer
from harness.llm_server.personality import Personality, Rule, error, has, limit_above


class Digest(BaseModel):
    """The form of the answers in these tests."""

    summary: str


@pytest.fixture
def server() -> Iterator[LLMServer]:
    with LLMServer() as server:
        yield server


@pytest.fixture
def opened() -> Iterator[Callable[..., LLM]]:
    """A function that opens an LLM client of a server; all are closed at the end."""
    with ExitStack() as stack:
        yield lambda server, **options: stack.enter_context(
            closing(LLM(model="m-1", base_url=server.base_url, timeout_seconds=5, **options))
        )


def complete(llm: LLM, max_tokens: int = 200):
    return llm.complete(system="Summarize.", user="Ana moved to Lisbon", schema=Digest, max_tokens=max_tokens)


def test_an_endpoint_that_refuses_every_form_is_asked_with_all_of_them_once(
    opened, server: LLMServer, hot_store: redis.Redis
):
    server.fail("status", status=400, message="Bad Request")
    with pytest.raises(ModelRefused):
        complete(opened(server, client=hot_store))
    all_forms = len(server.requests)
    assert all_forms <= 8
    for _ in range(5):
        # Of other workers too.
        with pytest.raises(ModelRefused):
            complete(opened(server, client=hot_store))
    assert len(server.requests) == all_forms + 5


def test_after_a_while_all_forms_are_tried_again(opened, server: LLMServer, hot_store: redis.Redis, monkeypatch):
    monkeypatch.setattr(learned, "NOTHING_WORKS_SECONDS", 1)
    server.fail("status", status=400, message="Bad Request")
    llm = opened(server, client=hot_store)
    with pytest.raises(ModelRefused):
        complete(llm)
    [key] = hot_store.keys("at:learned:llm:*")
    hot_store.delete(key)
    server.heal()
    assert complete(llm).text


def test_what_worked_is_forgotten_after_six_hours(opened, server: LLMServer, hot_store: redis.Redis):
    complete(opened(server, client=hot_store))
    [key] = hot_store.keys("at:learned:llm:*")
    assert 0 < hot_store.ttl(key) <= 6 * 3_600


def test_a_refusal_without_a_cause_is_about_the_input_once_a_form_has_worked(opened, server: LLMServer):
    llm = opened(server)
    complete(llm)
    server.fail("status", status=400, message="Bad Request")
    for _ in range(3):
        server.forget()
        with pytest.raises(ModelRefused):
            complete(llm)
        assert len(server.requests) == 1
    # After several in a row, the endpoint may have changed.
    server.forget()
    with pytest.raises(ModelRefused):
        complete(llm)
    assert len(server.requests) > 1


def test_an_upgraded_endpoint_that_names_its_cause_is_followed_at_once(opened, server: LLMServer):
    llm = opened(server)
    complete(llm)
    refusal = error("Unsupported value: 'temperature' does not support 0 with this model.")
    server.model.personality = Personality(name="upgraded", chat=(Rule(hits=has("temperature"), body=refusal),))
    complete(llm)
    complete(llm)
    assert ["temperature" in request.json for request in server.requests] == [True, True, False, False]


def test_without_redis_each_process_learns_for_itself(opened, server: LLMServer):
    server.model.personality = Personality(name="p", chat=(Rule(hits=has("temperature"), body=error("temperature")),))
    away = redis.Redis(port=1, socket_connect_timeout=0.1)
    llm = opened(server, client=away)
    complete(llm)
    complete(llm)
    assert len(server.requests) == 3


def test_what_another_release_has_written_counts_as_nothing(opened, server: LLMServer, hot_store: redis.Redis):
    llm = opened(server, client=hot_store)
    complete(llm)
    [key] = hot_store.keys("at:learned:llm:*")
    for value in (b"x", b"[]", b'{"form": {"mode": "telepathy"}, "state": "proven"}'):
        hot_store.set(key, value, ex=60)
        assert complete(llm).text


def test_a_truncated_answer_is_requested_with_a_longer_limit_which_is_remembered(opened, server: LLMServer):
    server.fail("length", count=2)
    llm = opened(server)
    completion = complete(llm, 1_000)
    complete(llm, 1_000)
    assert [request.json["max_tokens"] for request in server.requests] == [1_000, 4_000, 16_000, 16_000]
    assert completion.prompt_tokens == 3 * server_prompt_tokens(server)


def server_prompt_tokens(server: LLMServer) -> int:
    return -(-len("Summarize.\nAna moved to Lisbon") // 4)


def test_no_limit_is_raised_beyond_32768_tokens(opened, server: LLMServer):
    server.fail("length")
    with pytest.raises(AnswerTruncated) as raised:
        complete(opened(server), 4_096)
    assert [request.json["max_tokens"] for request in server.requests] == [4_096, 16_384, 32_768]
    assert raised.value.completion_tokens > 0


def test_a_limit_that_the_endpoint_refuses_is_lowered_to_the_one_that_it_names(opened, server: LLMServer):
    body = error("max_tokens is too large: 16000. This model supports at most 5000 completion tokens.")
    server.model.personality = Personality(name="p", chat=(Rule(hits=limit_above(5_000), body=body),))
    server.fail("length", count=2)
    complete(opened(server), 4_000)
    assert [request.json["max_tokens"] for request in server.requests] == [4_000, 16_000, 5_000]


@pytest.mark.parametrize(
    "message",
    [
        "The model `m-1` has been deprecated, learn more here.",
        "The model `m-1` has been decommissioned and is no longer supported.",
        "model 'm-1' not found, try pulling it first",
        "Invalid model: m-1",
        "Model Not Exist",
        "The model `m-1` does not exist or you do not have access to it.",
    ],
)
@pytest.mark.parametrize("status", [400, 404])
def test_a_model_that_is_not_served_is_the_fault_of_a_setting(opened, server: LLMServer, message: str, status: int):
    server.fail("status", status=status, message=message)
    with pytest.raises(EndpointMisconfigured, match="AFTERTURN_LLM_MODEL"):
        complete(opened(server))
    assert len(server.requests) == 1


def test_extra_fields_replace_and_remove_others(server: LLMServer):
    values = {
        "AFTERTURN_LLM_BASE_URL": server.base_url,
        "AFTERTURN_LLM_EXTRA_BODY": '{"chat_template_kwargs": {"enable_thinking": false}, "temperature": 0.6, '
        '"max_tokens": null}',
        "AFTERTURN_LLM_ANSWER_TOKENS": "9000",
    }
    with closing(LLM.from_settings(settings.load(values))) as llm:
        complete(llm)
    body = server.requests[0].json
    assert body["chat_template_kwargs"] == {"enable_thinking": False}
    assert (body["temperature"], "max_tokens" in body, llm.answer_tokens) == (0.6, False, 9_000)


@pytest.mark.parametrize("value", ["[]", "seed=1", "7", "{"])
@pytest.mark.parametrize("name", ["AFTERTURN_LLM_EXTRA_BODY", "AFTERTURN_EMBEDDING_EXTRA_BODY"])
def test_extra_fields_must_be_an_object(name: str, value: str):
    with pytest.raises(SettingsError, match=f"{name}.*JSON object"):
        settings.load({name: value})
