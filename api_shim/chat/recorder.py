"""Writes both sides of a chat as turns, after the answer. Nobody waits for it, and its failure fails no chat."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from weakref import WeakValueDictionary

from afterturn import AsyncMemoryClient
from afterturn.client import plans
from afterturn.client.effects import Plan, ReadRedis
from afterturn.client.plans.memory_block import MemoryBlock
from afterturn.client.session import ClientSession
from afterturn.errors import AfterturnError, MemoryUnavailable
from afterturn.turns import Turn
from api_shim.chat import branches
from api_shim.chat.branches import Changes, NewTurn
from api_shim.chat.memory_reader import MemoryReader
from api_shim.chat.spoken import Spoken

logger = logging.getLogger(__name__)

#: Exchanges that wait to be written. More: while Redis hangs, their texts fill this process's memory.
WAITING_LIMIT = 500
#: How long the process waits at its end for exchanges to be written.
DRAIN_SECONDS = 5.0
#: The newest turns that are compared with a request first, and if none of them is in it.
FEW_TURNS = 20
MANY_TURNS = 1_000
#: A conversation without an id that begins with the words of an older one: is it the same one, with its answer made
#: again, or another one? After this time it is another one, and takes nothing back.
REOPEN_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its answer."""

    client: AsyncMemoryClient
    session: ClientSession
    #: The messages of the request, then those of the answer.
    spoken: Sequence[Spoken]
    #: What the answer was made with.
    block: MemoryBlock
    is_derived: bool
    #: The response that the request continues without sending its conversation, if it does.
    previous_id: str | None = None
    #: The id of the answer, if it may be continued so.
    answer_id: str | None = None


class Recorder:
    """Writes exchanges in the background."""

    def __init__(self, reader: MemoryReader) -> None:
        self._reader = reader
        self._tasks: set[asyncio.Task[None]] = set()
        #: Exchanges of one session are written one after the other.
        self._locks: WeakValueDictionary[object, asyncio.Lock] = WeakValueDictionary()

    def record(self, exchange: Exchange) -> None:
        """Begin to write an exchange."""
        if len(self._tasks) >= WAITING_LIMIT:
            logger.error("the turns of a chat are not written: %d others wait", len(self._tasks))
            return
        task = asyncio.ensure_future(self._write(exchange))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Wait until everything is written, for a while."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=DRAIN_SECONDS)

    async def _write(self, exchange: Exchange) -> None:
        scope = exchange.session.scope
        lock = self._locks.setdefault(scope, asyncio.Lock())
        try:
            async with lock:
                changes = await self._find_changes(exchange)
                turns = [_turn_fields(each, exchange.block) for each in changes.new]
                await self._reader.run(plans.turn_writes.write_each(exchange.session, turns))
                for turn_id in changes.taken_back:
                    await exchange.client.remove(turn_id)
            if exchange.answer_id is not None:
                await self._reader.run(
                    plans.memory_block.remember(
                        exchange.session,
                        answer_field(exchange.answer_id),
                        scope.session_id.encode(),
                        exchange.block.erased_token,
                    )
                )
        except AfterturnError as error:
            logger.warning("the turns of a chat are not written: %s", error)
        except Exception:
            logger.exception("the turns of a chat are not written")

    async def _find_changes(self, exchange: Exchange) -> Changes:
        session_id, spoken = exchange.session.scope.session_id, exchange.spoken
        if exchange.previous_id is not None:
            return branches.append(session_id, spoken, after=exchange.previous_id)
        reopened_before = await self._reopened_before(exchange)
        try:
            for limit in (FEW_TURNS, MANY_TURNS):
                turns: Sequence[Turn] = await exchange.client.history(limit)
                are_all = len(turns) < limit
                changes = await asyncio.to_thread(
                    branches.compare, session_id, turns, spoken, are_all=are_all, reopened_before=reopened_before
                )
                if changes.is_aligned or are_all:
                    break
        except MemoryUnavailable:
            # The ids are those that the messages have anyway: what is stored already is not stored again.
            return _newest(branches.compare(session_id, [], spoken))
        return changes

    async def _reopened_before(self, exchange: Exchange) -> datetime | None:
        """Return the time by Redis's clock, which the times of turns agree with."""
        if not exchange.is_derived:
            return None
        seconds: int = await self._reader.run(_read_seconds())
        return datetime.fromtimestamp(seconds, UTC) - timedelta(seconds=REOPEN_SECONDS)


def answer_field(answer_id: str) -> str:
    """Return the field of the shown hash with the session of an answer."""
    return "answer:" + hashlib.sha256(answer_id.encode("utf-8", errors="surrogatepass")).hexdigest()


def _read_seconds() -> Plan[int]:
    [(seconds, _)] = yield from ReadRedis((("TIME",),))
    return int(seconds)


def _newest(changes: Changes) -> Changes:
    """Keep the last message of the user and what follows it."""
    last = max((i for i, new in enumerate(changes.new) if new.spoken.role == "user"), default=0)
    return Changes(new=changes.new[last:])


def _turn_fields(new: NewTurn, block: MemoryBlock) -> dict[str, object]:
    fields = new.spoken.fields(new.turn_id)
    if new.spoken.is_answer and block.memory_ids:
        fields["memories_shown"] = block.memory_ids
    if new.occurred_at is not None:
        fields["occurred_at"] = new.occurred_at
    return fields
