"""Drive a generator that does no I/O: answer each request that it yields, and return its result.

Plans, reports and steps are such generators. Each is written once, and driven with or without asyncio.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import TypeVar

Request = TypeVar("Request")
Answer = TypeVar("Answer")
Result = TypeVar("Result")


def drive(generator: Generator[Request, Answer, Result], answer: Callable[[Request], Answer]) -> Result:
    """Answer the requests of a generator until it returns. An error of `answer` is raised inside the generator first.

    Args:
        generator: yields requests, receives their answers, and returns the result.
        answer: does the I/O of one request.
    """
    try:
        request = next(generator)
        while True:
            try:
                given = answer(request)
            except Exception as error:
                request = generator.throw(error)
            else:
                request = generator.send(given)
    except StopIteration as end:
        result: Result = end.value
        return result
    finally:
        generator.close()


async def drive_async(
    generator: Generator[Request, Answer, Result], answer: Callable[[Request], Awaitable[Answer]]
) -> Result:
    """Answer the requests of a generator with asyncio. The arguments are those of `drive`."""
    try:
        request = next(generator)
        while True:
            try:
                given = await answer(request)
            except Exception as error:
                request = generator.throw(error)
            else:
                request = generator.send(given)
    except StopIteration as end:
        result: Result = end.value
        return result
    finally:
        generator.close()
