"""Streamed answers, from a real HTTP server: synchronous code and asyncio get the same, and fail alike."""

import asyncio
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing
from functools import partial

import pytest

from afterturn.endpoints.breaker import Breaker
from afterturn.errors import (
    AnswerMalformed,
    EndpointMisconfigured,
    EndpointPaused,
    InputTooLong,
    ModelError,
    ModelRefused,
    ModelUnavailable,
)
from afterturn.llm.client import LLM
from afterturn.llm.streaming import StreamEnd
from harness.llm_server import LLMServer

MESSAGES = [
    {"role": "system", "content": "You are terse."},
    {"role": "user", "content": "Where do I live?"},
]
ANSWER = "You live in Porto, with a cat and two boats, near the river."


@pytest.fixture
def server() -> Iterator[LLMServer]:
    with LLMServer(answer=lambda asked: ANSWER) as server:
        yield server


def _stream(llm, pieces, max_tokens):
    with closing(llm.stream(MESSAGES, max_tokens=max_tokens)) as stream:
        pieces.extend(stream)


def _stream_async(llm, pieces, max_tokens):
    async def collect():
        try:
            async with aclosing(llm.stream_async(MESSAGES, max_tokens=max_tokens)) as stream:
                async for piece in stream:
                    pieces.append(piece)
        finally:
            await llm.close_async()

    asyncio.run(collect())


@pytest.fixture(params=[_stream, _stream_async], ids=["sync", "asyncio"])
def ask(request, server):
    """Ask for an answer; returns its pieces. `ask.pieces` has them also where it fails."""

    class Asking:
        def __init__(self):
            self.pieces = []

        def __call__(self, llm=None, *, max_tokens=200, timeout_seconds=5.0, base_url=None):
            self.pieces = []
            llm = llm or LLM(model="m-1", base_url=base_url or server.base_url, timeout_seconds=timeout_seconds)
            try:
                request.param(llm, self.pieces, max_tokens)
            finally:
                llm.close()
            return self.pieces

    return Asking()


def test_the_text_comes_in_pieces_and_at_last_its_cost(server, ask):
    *pieces, end = ask()
    assert len(pieces) > 5
    assert "".join(pieces) == ANSWER
    assert end == StreamEnd(
        model="m-1",
        finish_reason="stop",
        prompt_tokens=-(-len("You are terse.\nWhere do I live?") // 4),
        completion_tokens=-(-len(ANSWER) // 4),
        cached_tokens=0,
        is_estimated=False,
    )
    body = server.requests[0].json
    assert body["messages"] == MESSAGES
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    assert (body["max_tokens"], body["temperature"], "response_format" in body) == (200, 0, False)


def test_a_piece_is_there_before_the_next_one(server, ask):
    server.fail("stall")
    with pytest.raises(ModelUnavailable):
        ask(timeout_seconds=0.3)
    assert ANSWER.startswith("".join(ask.pieces)) and len(ask.pieces) > 2


def test_who_leaves_hangs_up(server):
    server.fail("stall")
    llm = LLM(model="m-1", base_url=server.base_url)
    with closing(llm.stream(MESSAGES, max_tokens=200)) as stream:
        assert next(stream) == "You "
        assert server.left == 0
    wait_until(lambda: server.left == 1)
    llm.close()


def test_who_leaves_hangs_up_under_asyncio(server):
    async def leave():
        async with aclosing(llm.stream_async(MESSAGES, max_tokens=200)) as stream:
            assert await anext(stream) == "You "
            assert server.left == 0
        # A task that is cancelled while it waits for the next piece leaves as well.
        waiting = asyncio.create_task(_read_all(llm))
        await asyncio.sleep(0.3)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.to_thread(wait_until, lambda: server.left == 2)
        await llm.close_async()

    server.fail("stall")
    llm = LLM(model="m-1", base_url=server.base_url)
    asyncio.run(leave())


async def _read_all(llm):
    async with aclosing(llm.stream_async(MESSAGES, max_tokens=200)) as stream:
        return [piece async for piece in stream]


def wait_until(is_so):
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_streams_share_an_event_loop_and_an_llm_may_serve_several(server):
    async def read_twice():
        found = await asyncio.gather(_read_all(llm), _read_all(llm))
        await llm.close_async()
        return found

    llm = LLM(model="m-1", base_url=server.base_url)
    for count in (2, 4):
        # Neither of the two is answered before both have asked.
        server.fail("hold")
        with ThreadPoolExecutor(1) as threads:
            answers = threads.submit(asyncio.run, read_twice())
            wait_until(lambda count=count: len(server.requests) == count)
            server.heal("hold")
            assert [piece[-1].finish_reason for piece in answers.result()] == ["stop", "stop"]


@pytest.mark.parametrize(
    ("what", "match"),
    [
        ("refuse", "cannot be reached"),
        ("hang", "within 0.3 s"),
        ("drip", "sent nothing for 0.3 s"),
        ("break", "closed the connection"),
        ("stall", "hung up"),
        ("ping", "sent nothing for 0.3 s"),
    ],
)
def test_an_endpoint_that_fails_somewhere_is_left_in_time(server, ask, what, match):
    ask()  # The first call of a process loads the SDK, which takes seconds on a busy machine.
    server.forget()
    server.fail(what)
    # Endpoints that hang go on for ever: without a deadline of its own, the call would as well.
    with pytest.raises(ModelUnavailable, match=match):
        ask(timeout_seconds=0.3)
    assert bool(ask.pieces) == (what in ("break", "stall", "ping"))
    assert len(server.requests) == 1


def test_too_many_requests_at_the_start(server, ask):
    server.fail("status", status=429, retry_after="7", code="insufficient_quota")
    with pytest.raises(ModelUnavailable, match="insufficient_quota") as raised:
        ask()
    assert raised.value.retry_after_seconds == 7
    assert (ask.pieces, len(server.requests)) == ([], 1)


def test_a_breaker_sees_what_becomes_of_the_first_piece(server, hot_store):
    breaker = Breaker(hot_store, "llm", probe_seconds=5)
    llm = LLM(model="m-1", base_url=server.base_url)
    server.fail("status", status=429, retry_after="7")
    with pytest.raises(ModelUnavailable):
        breaker.call(partial(next, llm.stream(MESSAGES, max_tokens=200)))
    with pytest.raises(EndpointPaused):
        breaker.call(partial(next, llm.stream(MESSAGES, max_tokens=200)))
    assert len(server.requests) == 1
    llm.close()


@pytest.mark.parametrize(
    ("fault", "error", "match"),
    [
        ({"what": "status", "status": 503}, ModelUnavailable, "HTTP 503"),
        ({"what": "status", "status": 401}, EndpointMisconfigured, "AFTERTURN_LLM_API_KEY"),
        ({"what": "status", "status": 404}, EndpointMisconfigured, "AFTERTURN_LLM_MODEL"),
        ({"what": "status", "status": 418}, ModelRefused, "refused"),
        ({"what": "context_length"}, InputTooLong, "longer"),
        ({"what": "html"}, ModelUnavailable, "protocol"),
        ({"what": "gateway_error", "status": 502}, ModelUnavailable, "HTTP 502"),
        ({"what": "gateway_error", "status": 401}, EndpointMisconfigured, "AFTERTURN_LLM_API_KEY"),
        ({"what": "stream_error", "status": 503}, ModelUnavailable, "HTTP 503"),
        ({"what": "stream_error", "status": 400}, ModelRefused, "HTTP 400"),
        ({"what": "refusal"}, ModelRefused, "refused to answer"),
        ({"what": "content_filter"}, ModelRefused, "content filter stopped"),
        ({"what": "empty"}, AnswerMalformed, "empty"),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else None,
)
def test_it_fails_as_a_whole_answer_does(server, ask, fault, error, match):
    server.fail(**fault)
    with pytest.raises(error, match=match) as raised:
        ask()
    assert raised.value.__cause__ is None
    assert len(server.requests) == 1
    if fault["what"] in ("refusal", "content_filter", "empty"):
        assert raised.value.prompt_tokens > 0


def test_an_answer_that_is_cut_off_is_no_error_and_says_so(server, ask):
    server.fail("length")
    *pieces, end = ask()
    assert "".join(pieces) == ANSWER[: len(ANSWER) // 2]
    assert end.finish_reason == "length"


def test_room_is_made_for_the_input_by_asking_for_a_shorter_answer(server, ask):
    server.fail("context_length", count=1)
    assert ask(max_tokens=4_096)[-1].finish_reason == "stop"
    assert [request.json["max_tokens"] for request in server.requests] == [4_096, 1_024]


def test_an_endpoint_is_asked_more_simply_and_that_is_remembered(ask):
    with LLMServer(without=("stream_options", "temperature", "max_tokens"), answer=lambda asked: ANSWER) as server:
        llm = LLM(model="m-1", base_url=server.base_url)
        for _ in range(2):
            *pieces, end = ask(llm)
            assert "".join(pieces) == ANSWER
            # What it does not say is estimated from the texts.
            assert (end.is_estimated, end.completion_tokens) == (True, -(-len(ANSWER) // 4))
            assert end.prompt_tokens > 0
        assert len(server.requests) == 5
        assert {"stream_options", "temperature", "max_tokens"} & set(server.requests[-1].json) == set()
        assert server.requests[-1].json["max_completion_tokens"] == 200


def test_an_endpoint_that_does_not_stream_gives_one_piece(ask):
    with LLMServer(without=("streaming",), answer=lambda asked: ANSWER) as server:
        [piece, end] = ask(base_url=server.base_url)
    assert (piece, end.is_estimated, end.completion_tokens) == (ANSWER, False, -(-len(ANSWER) // 4))


def test_what_cannot_be_stored_is_replaced(server, ask):
    server.queue("a\x00b \ud800 c")
    *pieces, _ = ask()
    assert "".join(pieces) == "a\ufffdb \ufffd c"


def test_neither_logs_nor_errors_hold_what_was_said(server, ask, caplog):
    caplog.set_level(logging.DEBUG)
    server.fail("status", status=400, message="invalid input: 'Where do I live?'")
    with pytest.raises(ModelError) as raised:
        ask()
    server.heal()
    ask()
    assert "live" not in str(raised.value) + caplog.text
