"""A chat whose memory is away goes on without it, soon, and says so."""

import os
import signal
import time
from contextlib import contextmanager

import httpx
import pytest

from afterturn import MemoryClient
from harness.chaos.servers_down import OwnServers
from tests.integration.chat.conftest import serving, wait_for_turns

SESSION = {"X-Afterturn-User": "ana", "X-Afterturn-Session": "s"}
BODY = b'{"n":2.0,"messages":[{"role":"user","content":"Where do I live?"}]}'
#: Whoever waits for a server that does not answer waits for a minute. The time of the setting is 50 ms, and how exactly
#: it is kept is a test of tests/unit/chat/test_patience.py.
PATIENT = {"redis_timeout_seconds": 60.0, "postgres_timeout_seconds": 60.0}
SOON_SECONDS = 20.0


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    with OwnServers(tmp_path_factory.mktemp("own")) as servers:
        yield servers


@contextmanager
def redis_hangs(own):
    os.kill(own.redis.process.pid, signal.SIGSTOP)
    yield
    os.kill(own.redis.process.pid, signal.SIGCONT)


@contextmanager
def postgres_hangs(own):
    own.signal_postgres(signal.SIGSTOP)
    yield
    own.signal_postgres(signal.SIGCONT)


@contextmanager
def redis_is_stopped(own):
    own.redis.stop()
    yield
    own.redis.start()


@contextmanager
def postgres_is_stopped(own):
    own.postgres.stop()
    yield
    own.postgres.start()


def ask(url, body=BODY):
    """Return the answer, and the seconds until it was there."""
    started = time.monotonic()
    answer = httpx.post(f"{url}/chat/completions", content=body, headers=SESSION, timeout=120)
    return answer, time.monotonic() - started


@pytest.mark.slow
@pytest.mark.parametrize("away", [redis_hangs, postgres_hangs, redis_is_stopped, postgres_is_stopped])
def test_a_chat_goes_on_without_its_memory(away, own, endpoint):
    own.lane.begin()
    given = own.lane.settings.model_dump(exclude_unset=True) | {"chat_upstream_url": endpoint.base_url} | PATIENT
    settings = type(own.lane.settings)(**given)
    memory = MemoryClient("ana", "s", settings=settings)
    memory.write("user", "I live in Porto.")
    with serving(settings) as url:
        answer, _ = ask(url)
        assert answer.headers["x-afterturn-memory"] == "on"
        assert len(wait_for_turns(memory, 3)) == 3
        with away(own):
            asked = [ask(url) for _ in range(7)]
        assert {answer.status_code for answer, _ in asked} == {200}
        assert {answer.headers["x-afterturn-memory"] for answer, _ in asked} == {"unavailable"}
        assert max(seconds for _, seconds in asked) < SOON_SECONDS
        assert [each.body for each in endpoint.requests[1:]] == [BODY] * 7
        ends = time.monotonic() + 60
        while ask(url)[0].headers["x-afterturn-memory"] != "on":
            assert time.monotonic() < ends
            time.sleep(0.2)
        assert b"I live in Porto." in endpoint.requests[-1].body
        expected = [("user", "I live in Porto."), ("user", "Where do I live?"), ("assistant", "Hello!")]
        assert wait_for_turns(memory, expected) == expected
