"""Read reports. A report yields questions to servers and computes its result from the answers, without I/O of its own.

The reports are in `reports.py`. `read` and `read_async` open a connection for each question and close it afterwards.
They raise the error of a server inside the report, so that the report can continue without that answer.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

import redis
import redis.asyncio

from afterturn.database import pool, steps
from afterturn.driving import drive, drive_async
from afterturn.hot import commands

if TYPE_CHECKING:
    from afterturn.database.statement import Steps
    from afterturn.hot.commands import RedisSteps
    from afterturn.settings import Settings

Figures = TypeVar("Figures")
Result = TypeVar("Result")


class Ask(Generic[Figures]):
    """A question to one server: `figures = yield from AskPostgres(…)`."""

    __slots__ = ()

    def __iter__(self) -> Generator[Ask[Any], Any, Figures]:
        figures: Figures = yield self
        return figures


@dataclass(frozen=True, slots=True)
class AskPostgres(Ask[Figures]):
    """Run these steps in one transaction with the worker role, which can read all users. Raises MemoryUnavailable."""

    steps: Steps[Figures]


@dataclass(frozen=True, slots=True)
class AskRedis(Ask[Figures]):
    """Run these steps in the Redis of the pending turns. Raises RedisError."""

    steps: RedisSteps[Figures]


@dataclass(frozen=True, slots=True)
class AskBroker(Ask[Figures]):
    """Run these steps at the broker, which must be a Redis. Raises RedisError."""

    steps: RedisSteps[Figures]


Report: TypeAlias = Generator[Ask[Any], Any, Result]


def read(settings: Settings, report: Report[Result]) -> Result:
    """Read a report and return its result."""
    return drive(report, lambda ask: _ask(settings, ask))


async def read_async(settings: Settings, report: Report[Result]) -> Result:
    """Read a report with asyncio and return its result."""
    return await drive_async(report, lambda ask: _ask_async(settings, ask))


def _ask(settings: Settings, ask: Ask[Any]) -> Any:
    match ask:
        case AskPostgres(asked):
            with (
                pool.translate_privilege_errors(),
                pool.worker_connection(settings) as connection,
                connection.transaction(),
            ):
                return steps.run(connection, asked)
        case AskRedis(asked) | AskBroker(asked):
            with redis.Redis.from_url(_url(settings, ask), **_timeouts(settings)) as client:
                return commands.run(client, asked)
    raise TypeError(f"not a question: {ask!r}")


async def _ask_async(settings: Settings, ask: Ask[Any]) -> Any:
    match ask:
        case AskPostgres(asked):
            with pool.translate_privilege_errors():
                async with pool.async_worker_connection(settings) as connection, connection.transaction():
                    return await steps.run_async(connection, asked)
        case AskRedis(asked) | AskBroker(asked):
            async with redis.asyncio.Redis.from_url(_url(settings, ask), **_timeouts(settings)) as client:
                return await commands.run_async(client, asked)
    raise TypeError(f"not a question: {ask!r}")


def _url(settings: Settings, ask: Ask[Any]) -> str:
    return settings.celery_broker_url if isinstance(ask, AskBroker) else settings.redis_url


def _timeouts(settings: Settings) -> dict[str, Any]:
    seconds = settings.redis_timeout_seconds
    return {"socket_timeout": seconds, "socket_connect_timeout": seconds}
