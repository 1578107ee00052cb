"""Run Redis steps on a client. Steps yield commands and decode the replies; they do no I/O themselves.

So each query and its decoding is written once for synchronous code and asyncio. Replies are those of `execute_command`,
with bytes for strings.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from afterturn.driving import drive, drive_async

if TYPE_CHECKING:
    import redis
    import redis.asyncio

#: A Redis command with its arguments.
Command: TypeAlias = tuple[str | int, ...]

Result = TypeVar("Result")
#: It yields the commands of one round trip, receives their replies, and returns the result at the end.
RedisSteps: TypeAlias = Generator[Sequence[Command], list[Any], Result]


def read_time() -> RedisSteps[float]:
    """Return the Unix time by Redis's clock."""
    [(seconds, microseconds)] = yield [("TIME",)]
    return float(seconds + microseconds / 1_000_000)


def run(client: redis.Redis, steps: RedisSteps[Result]) -> Result:
    """Run the steps on this client, and return their result. Raises RedisError."""

    def answer(commands: Sequence[Command]) -> list[Any]:
        with client.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
            return pipeline.execute()

    return drive(steps, answer)


async def run_async(client: redis.asyncio.Redis, steps: RedisSteps[Result]) -> Result:
    """Run the steps on this client, and return their result. Raises RedisError."""

    async def answer(commands: Sequence[Command]) -> list[Any]:
        async with client.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            replies: list[Any] = await pipeline.execute()
            return replies

    return await drive_async(steps, answer)
