"""The circuit breaker: while a model fails for everybody, its stage pauses and nobody's attempts are used up.

Its state is in Redis, shared by all workers. Closed: calls go through. After a few failures in a row, or when the
server says Retry-After: open, nobody calls. Then one call at a time probes, until one succeeds. (The pattern: Nygard,
"Release It!", 2007.) With Redis away it lets everything through: it saves work, nothing rests on it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeVar, cast

import redis

from afterturn.errors import BudgetExhausted, EndpointPaused, ModelRefused, ModelUnavailable
from afterturn.hot import keys, scripts

logger = logging.getLogger(__name__)

#: What has a breaker of its own: each is one endpoint that may be away.
LLM = "llm"
EMBEDDER = "embedder"
NAMES = (LLM, EMBEDDER)

#: Fewer: one bad answer pauses everybody. More: an outage costs more calls before it is noticed.
FAILURES_IN_A_ROW = 3
#: Pauses double from the shortest to the longest; recovery is noticed within the current one.
SHORTEST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether to call, and what others have seen."""

    may_call: bool
    wait_seconds: float
    #: Calls that ever succeeded; grows while others succeed.
    successes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a breaker's hash says, for whoever only looks."""

    #: closed: calls go through; open: nobody calls; probing: one call at a time finds out.
    state: Literal["closed", "open", "probing"]
    #: Failures in a row.
    failures: int
    #: Until the next probe; 0 where it is not open.
    wait_seconds: float
    #: When that is.
    open_until: datetime | None


def read(client: redis.Redis) -> dict[str, State]:
    """Return the state of every breaker by name. Changes nothing. Raises RedisError."""
    with client.pipeline(transaction=False) as pipeline:
        pipeline.time()
        for name in NAMES:
            pipeline.hmget(keys.breaker(name), ["failures", "open_until"])
        (seconds, microseconds), *rows = pipeline.execute()
    now = seconds + microseconds / 1_000_000
    return {name: _state(now, *(int(value or 0) for value in row)) for name, row in zip(NAMES, rows, strict=True)}


def _state(now: float, failures: int, open_until_milliseconds: int) -> State:
    if open_until_milliseconds == 0:
        return State(state="closed", failures=failures, wait_seconds=0.0, open_until=None)
    until = open_until_milliseconds / 1000
    return State(
        state="open" if now < until else "probing",
        failures=failures,
        wait_seconds=max(0.0, until - now),
        open_until=datetime.fromtimestamp(until, UTC),
    )


Result = TypeVar("Result")

_LET_THROUGH = Verdict(may_call=True, wait_seconds=0.0, successes=0)


class Breaker:
    """The breaker of one endpoint."""

    def __init__(self, client: redis.Redis, name: str, *, probe_seconds: float) -> None:
        """`probe_seconds`: longer than a call may take, so that a probe that died does not block the next for long."""
        self.name = name
        self._client = client
        self._keys = (keys.breaker(name),)
        self._probe_milliseconds = int(probe_seconds * 1000)

    def call(self, function: Callable[[], Result]) -> Result:
        """Make a call through the breaker and tell it how it went.

        Raises EndpointPaused when no call may be made now; else what `function` raises, a ModelUnavailable with the
        time to wait and the count of successes added.
        """
        verdict = self.admit()
        if not verdict.may_call:
            raise EndpointPaused(f"the {self.name} is paused", retry_after_seconds=verdict.wait_seconds)
        try:
            result = function()
        except BudgetExhausted:
            # The endpoint was not asked: that says nothing of it, and somebody else may probe it.
            self._run("withdraw")
            raise
        except ModelUnavailable as error:
            verdict = self.failed(error.retry_after_seconds)
            error.successes = verdict.successes
            error.retry_after_seconds = verdict.wait_seconds
            raise
        except ModelRefused:
            self.succeeded()
            raise
        self.succeeded()
        return result

    def admit(self) -> Verdict:
        """Ask before a call. While it is open, one caller at a time is let through as a probe."""
        return self._run("admit", self._probe_milliseconds)

    def succeeded(self) -> None:
        """Say that a call was answered: the endpoint is there, whatever it answered."""
        self._run("success")

    def failed(self, retry_after_seconds: float | None) -> Verdict:
        """Say that the endpoint was away. Pauses longer than 30 s are never waited in one piece: it is probed then."""
        asked = int((retry_after_seconds or 0.0) * 1000)
        shortest, longest = int(SHORTEST_PAUSE_SECONDS * 1000), int(LONGEST_PAUSE_SECONDS * 1000)
        return self._run("failure", asked, FAILURES_IN_A_ROW, shortest, max(longest, min(asked, 600_000)))

    def is_open(self) -> bool:
        """Return whether calls are paused just now, without asking for a probe."""
        try:
            [state] = cast(list[bytes | None], self._client.hmget(self._keys[0], ["open_until"]))
        except redis.RedisError:
            return False
        return int(state or 0) > 0

    def _run(self, step: str, *arguments: int) -> Verdict:
        try:
            may_call, wait, successes = scripts.BREAKER.run(self._client, self._keys, step, *arguments)
        except redis.RedisError as error:
            logger.warning("the breaker of the %s is skipped: %s", self.name, type(error).__name__)
            return _LET_THROUGH
        return Verdict(may_call=bool(may_call), wait_seconds=wait / 1000, successes=successes)
