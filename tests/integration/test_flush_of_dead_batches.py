"""A flush that waits says when its batch is dead, or why it waits: in both clients, over HTTP, on the command line."""

import asyncio
import json
import threading
from contextlib import contextmanager

import pytest

from afterturn.endpoints.breaker import Breaker
from afterturn.errors import FlushFailed, FlushTimeout, ModelRefused
from api_shim import AsyncMemoryClient, MemoryClient, close_async_connections
from tests.fundamentals.scripted import Scripted

NOTHING = '{"facts": []}'


@pytest.fixture
def answers(pipeline):
    """Let the extractor answer this from now on."""

    def use(*given):
        pipeline.runtime.__dict__["extractor"] = Scripted(*given)

    return use


@contextmanager
def working(pipeline):
    """Work in the background, as workers do."""
    ended = threading.Event()

    def work():
        while not ended.is_set():
            pipeline.settle()
            ended.wait(0.05)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.fixture
def memory(settings):
    return MemoryClient("ana", "chat", settings=settings)


def test_it_names_the_reason_and_the_command(memory, pipeline, answers):
    answers("not json", "nor this")
    memory.write("user", "I live in Porto")
    with working(pipeline), pytest.raises(FlushFailed, match=r"answer_malformed.*`afterturn dead replay`") as raised:
        memory.flush(wait_seconds=60)
    assert raised.value.code == "flush_failed"
    assert "Porto" not in str(raised.value)


def test_asyncio_raises_the_same(settings, pipeline, answers):
    answers("not json", "nor this")

    async def flush():
        try:
            memory = AsyncMemoryClient("ana", "chat", settings=settings)
            await memory.write("user", "I live in Porto")
            await memory.flush(wait_seconds=60)
        finally:
            await close_async_connections()

    with working(pipeline), pytest.raises(FlushFailed, match="answer_malformed"):
        asyncio.run(flush())


def test_a_batch_that_died_before_the_flush_is_its_batch_while_nothing_was_said_since(memory, pipeline, answers):
    answers("not json", "nor this")
    memory.write("user", "I live in Porto")
    pipeline.settle()
    with working(pipeline), pytest.raises(FlushFailed):
        memory.flush(wait_seconds=60)

    answers(NOTHING)
    memory.write("user", "I own a boat")
    with working(pipeline):
        memory.flush(wait_seconds=60)


def test_a_batch_that_was_discarded_or_is_of_another_session_is_no_concern(
    memory, settings, pipeline, answers, command
):
    answers("not json", "nor this", NOTHING)
    memory.write("user", "I live in Porto")
    pipeline.settle()
    other = MemoryClient("ana", "another", settings=settings)
    other.write("user", "I own a boat")
    with working(pipeline):
        other.flush(wait_seconds=60)
    command("dead", "discard", "--all", "--yes")
    with working(pipeline):
        memory.flush(wait_seconds=60)


def test_a_timeout_says_why_a_batch_waits(memory, pipeline, answers, monkeypatch, hot_store):
    breaker = Breaker(hot_store, "llm", probe_seconds=5)
    refused = ModelRefused("the endpoint refused the call")
    breaker.record_refusal(refused, caller="somebody else")
    breaker.record_refusal(refused, caller="ana")
    answers(*[refused] * 1_000)
    memory.write("user", "I live in Porto")
    waits = "they wait: model_refused: the endpoint refused the call"
    with working(pipeline), pytest.raises(FlushTimeout, match=waits):
        memory.flush(wait_seconds=2)


def test_http_answers_with_the_code(api, memory, pipeline, answers):
    flush = "/v1/users/ana/sessions/chat/flush"
    answers("not json", "nor this", NOTHING)
    memory.write("user", "I live in Porto")
    with working(pipeline):
        refused = api.post(flush, params={"wait_seconds": 15})
    assert (refused.status_code, refused.json()["code"]) == (424, "flush_failed")
    memory.write("user", "I own a boat")
    late = api.post(flush, params={"wait_seconds": 0})
    assert (late.status_code, late.json()["code"]) == (504, "flush_timeout")
    with working(pipeline):
        assert api.post(flush, params={"wait_seconds": 15}).status_code == 204
    assert api.post(flush).status_code == 202


def test_the_command_line_ends_with_the_code(command, memory, pipeline, answers):
    answers("not json", "nor this", NOTHING)
    memory.write("user", "I live in Porto")
    with working(pipeline):
        ended = command("flush", "ana", "chat", "--wait", "20")
    assert (ended.code, "flush_failed" in ended.error) == (2, True)
    memory.write("user", "I own a boat")
    with working(pipeline):
        assert command("flush", "ana", "chat", "--wait", "20").code == 0


def test_healthz_says_that_an_endpoint_fails_everybody(api, hot_store):
    breaker = Breaker(hot_store, "llm", probe_seconds=5)
    for caller in ("ana", "ben", "cleo"):
        breaker.record_refusal(ModelRefused(), caller=caller)
    health = api.get("/healthz")
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    assert health.json()["endpoints"] == {"llm": "open", "embedder": "closed", "next_embedder": "closed"}
    assert "ana" not in json.dumps([str(value) for value in hot_store.hgetall("at:breaker:llm").values()])
