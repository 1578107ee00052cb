"""Trials of outages of the LLM and the embedder."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import redis

from afterturn.endpoints import breaker
from afterturn.hot import keys
from api_shim import MemoryClient
from harness.chaos import conversation, trial
from harness.chaos.image import Image
from harness.chaos.lane import Lane
from harness.chaos.trial import Outcome, Stopwatch
from harness.chaos.worker_process import WorkerProcess
from harness.waiting import wait_until

#: The length of each outage after the breaker has opened.
AWAY_SECONDS = 3.0
#: Kind of outage -> the fault of the test LLM, with its options.
KINDS: dict[str, dict[str, Any]] = {
    "refused": {"what": "refuse"},
    "hanging": {"what": "hang"},
    "429 with Retry-After": {"what": "status", "status": 429, "retry_after": "2"},
    "500": {"what": "status", "status": 500},
}


#: The settings of a lane whose database uses the test server as embedder. Few dimensions are faster.
EMBEDDER_SETTINGS: dict[str, Any] = {
    "embedder": "openai",
    "embedding_model": "text-embedding-3-small",
    "embedding_dimension": 64,
}


def llm_away(lane: Lane, expected: Image, kind: str) -> Outcome:
    """Let the LLM fail for all users, and recover."""
    return _away(lane, expected, breaker.LLM, "chat", kind)


def embedder_away(lane: Lane, expected: Image, kind: str) -> Outcome:
    """Let the embedder fail for all users, and recover. The lane must use the test server as embedder."""
    return _away(lane, expected, breaker.EMBEDDER, "embeddings", kind)


def _away(lane: Lane, expected: Image, name: str, endpoint: str, kind: str) -> Outcome:
    lane.begin()
    # Calls time out after a second, so that a hang is detected soon.
    with lane.changed(llm_timeout_seconds=1.0), lane.clock(), WorkerProcess(lane.settings, lane.directory, "only"):
        lane.llm.fail(on=endpoint, **KINDS[kind])
        conversation.write(lane.settings)
        wait_until(lambda: is_open(lane, name), seconds=30, what=lambda: f"the breaker of the {name} did not open")
        lasts_until = time.monotonic() + AWAY_SECONDS
        while time.monotonic() < lasts_until:
            go_on_meanwhile(lane)
        calls_when_away = sum(lane.llm.counts().values())
        lane.llm.heal()
        watch = Stopwatch()
        lane.wait_until_settled()
        watch.settled()
        assert not is_open(lane, name), "the breaker did not close"
        return trial.concluded(lane, expected, f"{name} away: {kind}", watch, injected=calls_when_away)


def go_on_meanwhile(lane: Lane, *, limit_seconds: float = 0.5) -> None:
    """Write and read as an agent does. Raises AssertionError if the outage affects it.

    It writes an existing turn again, so that the memory stays the same and can be compared.
    """
    said = conversation.turns()[0]
    memory = MemoryClient(said.user_id, said.session_id, settings=lane.settings)
    started = time.monotonic()
    memory.write("user", said.content, turn_id=said.turn_id, name=said.user_id.title(), occurred_at=said.occurred_at)
    written_seconds = time.monotonic() - started
    found = memory.recall(limit=5)
    assert written_seconds <= limit_seconds, f"a write took {written_seconds:.2f} s"
    assert found, "recall found no recent turn"
    time.sleep(0.1)


def is_open(lane: Lane, name: str) -> bool:
    """Return whether calls are paused now."""
    with redis.Redis.from_url(lane.settings.redis_url) as client:
        return int(client.hget(keys.breaker(name), "open_until") or 0) > 0


def _named(function: Callable[[Lane, Image, str], Outcome], kind: str) -> Callable[[Lane, Image], Outcome]:
    def run(lane: Lane, expected: Image) -> Outcome:
        return function(lane, expected, kind)

    run.__name__ = f"{function.__name__}_{kind.split()[0]}"
    return run


TRIALS = tuple(_named(llm_away, kind) for kind in KINDS)
EMBEDDER_TRIALS = tuple(_named(embedder_away, kind) for kind in KINDS)
