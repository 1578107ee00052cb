"""Writes the two turns of a run. The answer's turn is written also when the client has left."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from afterturn.errors import AfterturnError, InvalidInput
from api_shim.agents.run import Run

logger = logging.getLogger(__name__)

#: How long a run waits until a turn is written. Longer: a hanging Redis delays answers. Shorter: on a busy machine, a
#: client that asks for the history after its answer may not find it yet.
WRITE_SECONDS = 2.0
#: How long the process waits at its end for turns to be written.
DRAIN_SECONDS = 5.0


class TurnWriter:
    """Writes turns in tasks of its own, which a cancelled request does not cancel."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[bool]] = set()

    async def write_message(self, run: Run, *, seconds: float) -> bool:
        """Write the user's turn. Return whether it is written; False if the memory does not answer within `seconds`.

        Raises InvalidInput (TurnIdUsed if the request was sent before with another message).
        """
        task = self._start(run, [_message_fields(run)])
        await asyncio.wait({task}, timeout=seconds)
        return task.done() and task.result()

    def write_answer(self, run: Run, text: str, memory_ids: Sequence[str], *, has_message: bool) -> asyncio.Task[bool]:
        """Begin to write the agent's turn; before it the user's, if that is not written (`has_message`)."""
        answer = {"role": "assistant", "content": text, "turn_id": run.answer_id, "memories_shown": list(memory_ids)}
        task = self._start(run, [answer] if has_message else [_message_fields(run), answer])
        task.add_done_callback(_log_refusal)
        return task

    async def wait_for(self, task: asyncio.Task[bool]) -> None:
        """Wait until a turn is written, for a while."""
        await asyncio.wait({task}, timeout=WRITE_SECONDS)

    async def drain(self) -> None:
        """Wait until everything is written, for a while."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=DRAIN_SECONDS)

    def _start(self, run: Run, turns: list[dict[str, Any]]) -> asyncio.Task[bool]:
        task = asyncio.ensure_future(_write(run, turns))
        self._tasks.add(task)
        task.add_done_callback(self._note_end)
        return task

    def _note_end(self, task: asyncio.Task[bool]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # raised to the caller, or logged, or nobody waits for it any more


async def _write(run: Run, turns: list[dict[str, Any]]) -> bool:
    """Return whether the turns are written. Raises InvalidInput."""
    try:
        await run.client.write_many(turns)
    except InvalidInput:
        raise
    except AfterturnError as error:
        logger.warning("a turn of an agent is not written: %s", error)
        return False
    return True


def _message_fields(run: Run) -> dict[str, Any]:
    return {"role": "user", "content": run.message, "name": run.name, "turn_id": run.message_id}


def _log_refusal(task: asyncio.Task[bool]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.warning("the turn of an agent's answer is not written: %s", error)
