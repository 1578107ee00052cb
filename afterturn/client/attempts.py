"""How a call to Redis is repeated: a few attempts that together take no longer than the caller allows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialWithJitterBackoff
from redis.retry import Retry

#: A lost reply is asked for again: the write is repeated, and the turn's id makes it the same turn.
RETRIES = 2
#: The pause before an attempt, at most. Longer, and less of the time is left for waiting for an answer.
_LONGEST_PAUSE_SECONDS = 0.1

Result = TypeVar("Result")


def seconds_each(seconds: float) -> float:
    """Return how long one attempt may take, so that all of them with their pauses take `seconds` at most."""
    pauses = min(RETRIES * _LONGEST_PAUSE_SECONDS, seconds / 4)
    return (seconds - pauses) / (RETRIES + 1)


def _backoff() -> ExponentialWithJitterBackoff:
    return ExponentialWithJitterBackoff(base=0.02, cap=_LONGEST_PAUSE_SECONDS)


class Attempts(Retry):
    """The attempts of one connection's calls.

    redis-py connects inside a call's attempt, and would repeat that as often again: nine waits instead of three. Here
    what is done within an attempt is done once. A connection serves one caller at a time, and has one of these.
    """

    def __init__(self) -> None:
        super().__init__(_backoff(), RETRIES)
        self._is_attempting = False

    def call_with_retry(self, do: Callable[[], Result], fail: Callable[[Exception], Any]) -> Result:
        if self._is_attempting:
            return do()
        self._is_attempting = True
        try:
            return super().call_with_retry(do, fail)
        finally:
            self._is_attempting = False


class AsyncAttempts(AsyncRetry):
    """The same for asyncio."""

    def __init__(self) -> None:
        super().__init__(_backoff(), RETRIES)
        self._is_attempting = False

    async def call_with_retry(self, do: Callable[[], Awaitable[Result]], fail: Callable[..., Any]) -> Result:
        if self._is_attempting:
            return await do()
        self._is_attempting = True
        try:
            return await super().call_with_retry(do, fail)
        finally:
            self._is_attempting = False
