"""Retries of Redis calls: a few attempts that together take no longer than the configured timeout."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialWithJitterBackoff
from redis.retry import Retry

#: Attempts after the first one. After a lost reply a write is repeated; the turn's id prevents a second turn.
RETRIES = 2
#: The longest pause before an attempt. Longer: less of the timeout is left to wait for answers.
_MAX_PAUSE_SECONDS = 0.1

Result = TypeVar("Result")


def attempt_timeout(timeout_seconds: float) -> float:
    """Return the timeout of one attempt in seconds. All attempts and pauses together take at most `timeout_seconds`."""
    pauses = min(RETRIES * _MAX_PAUSE_SECONDS, timeout_seconds / 4)
    return (timeout_seconds - pauses) / (RETRIES + 1)


def _make_backoff() -> ExponentialWithJitterBackoff:
    return ExponentialWithJitterBackoff(base=0.02, cap=_MAX_PAUSE_SECONDS)


class Attempts(Retry):
    """The retry policy of one connection.

    redis-py connects inside the attempt of a call and would retry the connecting as well: nine attempts instead of
    three. Here a nested call is not retried. A connection serves one caller at a time and has its own instance.
    """

    def __init__(self) -> None:
        super().__init__(_make_backoff(), RETRIES)
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
    """The retry policy of one asyncio connection. See `Attempts`."""

    def __init__(self) -> None:
        super().__init__(_make_backoff(), RETRIES)
        self._is_attempting = False

    async def call_with_retry(self, do: Callable[[], Awaitable[Result]], fail: Callable[..., Any]) -> Result:
        if self._is_attempting:
            return await do()
        self._is_attempting = True
        try:
            return await super().call_with_retry(do, fail)
        finally:
            self._is_attempting = False
