"""Run the batches of many tasks of an event loop together.

Thousands of tasks may use a store at once, and each transaction takes a connection. So the batches that wait while
others run become one batch: one call of the embedder, and one transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from afterturn.errors import MemoryUnavailable

Operation = TypeVar("Operation")
Answer = TypeVar("Answer")

#: Batches that run at the same time in one event loop: as many as there are connections.
RUNNERS = 4
#: Operations that become one batch. More: a transaction takes longer, and its callers with it.
GROUP_LIMIT = 200


@dataclass(slots=True)
class _Waiting(Generic[Operation, Answer]):
    """The batch of one caller."""

    operations: Sequence[Operation]
    future: asyncio.Future[list[Answer]]


@dataclass(slots=True)
class _Loop(Generic[Operation, Answer]):
    """What waits and runs in one event loop."""

    waiting: list[_Waiting[Operation, Answer]] = field(default_factory=list)
    running: set[asyncio.Task[None]] = field(default_factory=set)


class Groups(Generic[Operation, Answer]):
    """Runs batches in groups."""

    def __init__(self, run: Callable[[Sequence[Operation]], Awaitable[list[Answer]]]) -> None:
        """`run`: runs one batch and returns an answer for each operation."""
        self._run = run
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Loop[Operation, Answer]] = WeakKeyDictionary()

    async def run(self, operations: Sequence[Operation]) -> list[Answer]:
        """Run a batch, perhaps together with others, and return its answers."""
        event_loop = asyncio.get_running_loop()
        loop = self._loops.setdefault(event_loop, _Loop())
        future: asyncio.Future[list[Answer]] = event_loop.create_future()
        loop.waiting.append(_Waiting(operations, future))
        if len(loop.running) < RUNNERS:
            task = event_loop.create_task(self._work(loop))
            loop.running.add(task)
            task.add_done_callback(loop.running.discard)
        return await future

    async def _work(self, loop: _Loop[Operation, Answer]) -> None:
        while group := _take_group(loop.waiting):
            try:
                answers = await self._run([each for member in group for each in member.operations])
            except MemoryUnavailable as error:
                _fail(group, error)
            except Exception as error:
                await self._run_singly(group, error)
            else:
                _answer(group, answers)

    async def _run_singly(self, group: Sequence[_Waiting[Operation, Answer]], error: Exception) -> None:
        """Run the batches of a group that failed one by one: the fault of one caller is no fault of the others."""
        if len(group) == 1:
            _fail(group, error)
            return
        for member in group:
            try:
                _answer([member], await self._run(member.operations))
            except Exception as own_error:
                _fail([member], own_error)


def _take_group(waiting: list[_Waiting[Operation, Answer]]) -> list[_Waiting[Operation, Answer]]:
    """Remove the first batches that wait, and return them. Batches whose caller was cancelled are dropped."""
    group: list[_Waiting[Operation, Answer]] = []
    count = 0
    while waiting and (not group or count + len(waiting[0].operations) <= GROUP_LIMIT):
        member = waiting.pop(0)
        if not member.future.done():
            group.append(member)
            count += len(member.operations)
    return group


def _answer(group: Sequence[_Waiting[Operation, Answer]], answers: Sequence[Answer]) -> None:
    start = 0
    for member in group:
        end = start + len(member.operations)
        if not member.future.done():
            member.future.set_result(list(answers[start:end]))
        start = end


def _fail(group: Sequence[_Waiting[Operation, Answer]], error: Exception) -> None:
    for member in group:
        if not member.future.done():
            member.future.set_exception(error)
