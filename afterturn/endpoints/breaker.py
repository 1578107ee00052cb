"""The circuit breaker of an endpoint: while the endpoint fails, its stage pauses and no batch uses up its attempts.

An endpoint fails when it is unavailable, and also when it gives several callers in a row no usable answer: garbage, or
a refusal of everything. One caller alone that gets none does not count: its input may be the cause.

The state is in Redis and shared by all workers. Closed: calls are made. After several failures in a row, or after a
Retry-After header: open, no calls are made. After the pause one call at a time probes the endpoint, until one succeeds.
(The pattern: Nygard, "Release It!", 2007.) If Redis is unavailable, all calls are made: the breaker saves work, and
correctness does not depend on it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeVar, cast

import redis

from afterturn.errors import (
    AnswerTruncated,
    BudgetExhausted,
    EndpointPaused,
    InputTooLong,
    ModelRefused,
    ModelUnavailable,
)
from afterturn.hot import keys, scripts
from afterturn.hot.commands import RedisSteps

logger = logging.getLogger(__name__)

#: Each endpoint has a breaker of its own.
LLM = "llm"
EMBEDDER = "embedder"
#: The embedder of a space that is being built: while it is away, live batches go on.
NEXT_EMBEDDER = "next_embedder"
NAMES = (LLM, EMBEDDER, NEXT_EMBEDDER)

#: Fewer: a single failed call pauses all workers. More: an outage costs more calls before the breaker opens.
FAILURES_IN_A_ROW = 3
#: The pause doubles with each failed probe, from the shortest to the longest. A recovery is noticed after the current
#: pause.
SHORTEST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a call may be made, and the state of the breaker."""

    may_call: bool
    wait_seconds: float
    #: The number of all calls with a usable answer. It grows while other workers succeed.
    successes: int
    #: How many other callers got no usable answer since the last success.
    others_refused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerState:
    """The state of a breaker, for display."""

    #: closed: calls are made; open: no calls are made; probing: one call at a time probes the endpoint.
    state: Literal["closed", "open", "probing"]
    #: The number of failures in a row.
    failures: int
    #: Until the next probe; 0 where the breaker is not open.
    wait_seconds: float
    #: When the next probe may be made.
    open_until: datetime | None


def read_states() -> RedisSteps[dict[str, BreakerState]]:
    """Return the state of every breaker by name, without changing it."""
    hashes = [("HMGET", keys.breaker(name), "failures", "open_until") for name in NAMES]
    (seconds, microseconds), *rows = yield [("TIME",), *hashes]
    now = seconds + microseconds / 1_000_000
    states = (_breaker_state(now, *(int(value or 0) for value in row)) for row in rows)
    return dict(zip(NAMES, states, strict=True))


def _breaker_state(now: float, failures: int, open_until_milliseconds: int) -> BreakerState:
    if open_until_milliseconds == 0:
        return BreakerState(state="closed", failures=failures, wait_seconds=0.0, open_until=None)
    until = open_until_milliseconds / 1000
    return BreakerState(
        state="open" if now < until else "probing",
        failures=failures,
        wait_seconds=max(0.0, until - now),
        open_until=datetime.fromtimestamp(until, UTC),
    )


Result = TypeVar("Result")

_WITHOUT_BREAKER = Verdict(may_call=True, wait_seconds=0.0, successes=0)


class Breaker:
    """The breaker of one endpoint."""

    def __init__(self, client: redis.Redis, name: str, *, probe_seconds: float) -> None:
        """Connect to the shared state.

        Args:
            client: Redis.
            name: one of NAMES.
            probe_seconds: after this time a probe is taken for lost, and another call may probe. It must be longer
                than a call may take.
        """
        self.name = name
        self._client = client
        self._keys = (keys.breaker(name),)
        self._probe_milliseconds = int(probe_seconds * 1000)

    def call(self, function: Callable[[], Result], *, caller: str = "") -> Result:
        """Make a call if the breaker allows it, and record the result.

        Args:
            function: makes the call. It raises ModelRefused also if the answer cannot be used.
            caller: whose input it is: the batch, for example. Several callers in a row without a usable answer show
                that the endpoint is the cause.

        Raises EndpointPaused when no call may be made now; otherwise what `function` raises. To a ModelUnavailable it
        adds the time to wait and the number of successes; to a ModelRefused the number of successes and of other
        callers that were refused.
        """
        verdict = self.admit()
        if not verdict.may_call:
            raise EndpointPaused(f"the {self.name} is paused", retry_after_seconds=verdict.wait_seconds)
        try:
            result = function()
        except BudgetExhausted:
            # No call was made, so the result is unknown, and another worker may probe.
            self._run("withdraw")
            raise
        except ModelUnavailable as error:
            verdict = self.record_failure(error.retry_after_seconds)
            error.successes = verdict.successes
            error.retry_after_seconds = verdict.wait_seconds
            raise
        except (InputTooLong, AnswerTruncated):
            # A smaller input may succeed, so the failure is not counted against the endpoint yet.
            self._run("withdraw")
            raise
        except ModelRefused as error:
            self.record_refusal(error, caller=caller)
            raise
        self.record_success()
        return result

    def admit(self) -> Verdict:
        """Return whether a call may be made. After the pause, one caller at a time may probe."""
        return self._run("admit", self._probe_milliseconds)

    def record_success(self) -> None:
        """Record that the endpoint gave a usable answer."""
        self._run("success")

    def record_refusal(self, error: ModelRefused, *, caller: str) -> None:
        """Record that a caller got no usable answer, and add to the error what others got."""
        shortest, longest = int(SHORTEST_PAUSE_SECONDS * 1000), int(LONGEST_PAUSE_SECONDS * 1000)
        # The name of a session or a user must not stay in Redis when the user is forgotten.
        digest = hashlib.sha256(caller.encode()).hexdigest()[:16]
        verdict = self._run("refusal", digest, FAILURES_IN_A_ROW, shortest, longest)
        error.successes, error.others_refused = verdict.successes, verdict.others_refused

    def read_successes(self) -> int | None:
        """Return the number of all calls with a usable answer; None if Redis does not answer."""
        try:
            return int(cast(bytes | None, self._client.hget(self._keys[0], "successes")) or 0)
        except redis.RedisError:
            return None

    def record_failure(self, retry_after_seconds: float | None) -> Verdict:
        """Record that the endpoint was unavailable.

        The pause is at most 30 s, or as long as the endpoint asked for, up to 10 minutes.
        """
        requested = int((retry_after_seconds or 0.0) * 1000)
        shortest, longest = int(SHORTEST_PAUSE_SECONDS * 1000), int(LONGEST_PAUSE_SECONDS * 1000)
        return self._run("failure", requested, FAILURES_IN_A_ROW, shortest, max(longest, min(requested, 600_000)))

    def is_open(self) -> bool:
        """Return whether calls are paused now. It starts no probe."""
        try:
            [state] = cast(list[bytes | None], self._client.hmget(self._keys[0], ["open_until"]))
        except redis.RedisError:
            return False
        return int(state or 0) > 0

    def _run(self, step: str, *arguments: int | str) -> Verdict:
        try:
            may_call, wait, successes, others = scripts.BREAKER.run(self._client, self._keys, step, *arguments)
        except redis.RedisError as error:
            logger.warning("the breaker of the %s is skipped: %s", self.name, type(error).__name__)
            return _WITHOUT_BREAKER
        return Verdict(may_call=bool(may_call), wait_seconds=wait / 1000, successes=successes, others_refused=others)
