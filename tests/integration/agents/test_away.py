"""An agent whose memory is away answers without it, and says so."""

import time

import httpx
import pytest

from afterturn import MemoryClient
from harness.chaos.servers_down import OwnServers
from tests.integration.agents.conftest import ANSWER, prompts
from tests.integration.chat.conftest import serving, wait_for_turns
from tests.integration.chat.test_away import (
    PATIENT,
    SOON_SECONDS,
    postgres_hangs,
    postgres_is_stopped,
    redis_hangs,
    redis_is_stopped,
)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    with OwnServers(tmp_path_factory.mktemp("own")) as servers:
        yield servers


def ask(url, message):
    """Return the answer, and the seconds until it was there."""
    started = time.monotonic()
    body = {"message": message, "user_id": "ana", "session_id": "s"}
    answer = httpx.post(f"{url}/agents/concierge/run", json=body, timeout=120)
    assert answer.status_code == 200, answer.text
    return answer.json(), time.monotonic() - started


def is_back(url):
    """Return whether Redis and Postgres answer again."""
    listed = httpx.get(f"{url}/agents/concierge/memories", params={"user_id": "ana"}, timeout=60)
    return listed.status_code == 200 and ask(url, "Hello")[0]["memory"] == "on"


@pytest.mark.slow
@pytest.mark.parametrize("away", [redis_hangs, redis_is_stopped, postgres_hangs, postgres_is_stopped])
def test_an_agent_answers_without_its_memory(away, own, model):
    own.lane.begin()
    given = own.lane.settings.model_dump(exclude_unset=True) | {"llm_base_url": model.base_url} | PATIENT
    settings = type(own.lane.settings)(**given)
    memory = MemoryClient("ana", "s", settings=settings)
    with serving(settings) as url:
        assert ask(url, "I live in Porto.")[0]["memory"] == "on"
        with away(own):
            answer, seconds = ask(url, "Where do I live?")
        assert (answer["content"], answer["status"]) == (ANSWER, "COMPLETED")
        # With Postgres stopped, the newest turns are still read from Redis.
        is_known = "Porto" in str(prompts(model)[-1])
        assert (answer["memory"], is_known) == (("on", True) if away is postgres_is_stopped else ("unavailable", False))
        assert seconds < SOON_SECONDS
        if away in (postgres_hangs, postgres_is_stopped):
            assert wait_for_turns(memory, 4, 20)[2:] == [("user", "Where do I live?"), ("assistant", ANSWER)]
        ends = time.monotonic() + 60
        while not is_back(url):
            assert time.monotonic() < ends
            time.sleep(0.2)
