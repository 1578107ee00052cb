"""Trials of outages of the LLM and the embedder."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
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
#: Faults of an endpoint that answers, but gives no usable answer to any user.
GARBAGE: dict[str, dict[str, Any]] = {
    "prose": {"what": "prose"},
    "400 without a reason": {"what": "status", "status": 400, "message": "Bad Request"},
    "400 model deprecated": {"what": "status", "status": 400, "message": "The model m has been deprecated."},
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


def llm_garbage(lane: Lane, expected: Image, kind: str) -> Outcome:
    """Let the LLM give no user a usable answer, and recover. No batch is dead, and the backlog drains without help."""
    outcome = _away(lane, expected, breaker.LLM, "chat", kind)
    # Unusable answers are stored as well, and their batches are requested again.
    differing = tuple(table for table in outcome.differing if table != "answers")
    return replace(outcome, fault=f"garbage endpoint: {kind}", differing=differing, extra_llm_calls=0)


def embedder_garbage(lane: Lane, expected: Image, kind: str) -> Outcome:
    """Let the embedder refuse all users, and recover."""
    outcome = _away(lane, expected, breaker.EMBEDDER, "embeddings", kind)
    return replace(outcome, fault=f"garbage embedder: {kind}")


def embedder_away(lane: Lane, expected: Image, kind: str) -> Outcome:
    """Let the embedder fail for all users, and recover. The lane must use the test server as embedder."""
    return _away(lane, expected, breaker.EMBEDDER, "embeddings", kind)


def _away(lane: Lane, expected: Image, name: str, endpoint: str, kind: str) -> Outcome:
    lane.begin()
    # Calls time out after a second, so that a hang is detected soon.
    with lane.changed(llm_timeout_seconds=1.0), lane.clock(), WorkerProcess(lane.settings, lane.directory, "only"):
        lane.llm.fail(on=endpoint, **(KINDS | GARBAGE)[kind])
        conversation.write(lane.settings)
        wait_until(lambda: is_open(lane, name), seconds=60, what=lambda: f"the breaker of the {name} did not open")
        lasts_until = time.monotonic() + AWAY_SECONDS
        while time.monotonic() < lasts_until:
            go_on_meanwhile(lane)
        calls_when_away = sum(lane.llm.counts().values())
        lane.llm.heal()
        watch = Stopwatch()
        lane.wait_until_settled()
        watch.settled()
        assert not is_open(lane, name), "the breaker did not close"
        return trial.concluded(
            lane, expected, f"{name} away: {kind}", watch, injected=calls_when_away, may_reorder=True
        )


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

    run.__name__ = f"{function.__name__}_{'_'.join(kind.split()[:2])}"
    return run


#: The faults among these that an embedder can have: it writes no prose.
EMBEDDER_GARBAGE = tuple(kind for kind in GARBAGE if kind != "prose")

TRIALS = (
    *(_named(llm_away, kind) for kind in KINDS),
    *(_named(llm_garbage, kind) for kind in GARBAGE),
)
EMBEDDER_TRIALS = (
    *(_named(embedder_away, kind) for kind in KINDS),
    *(_named(embedder_garbage, kind) for kind in EMBEDDER_GARBAGE),
)
