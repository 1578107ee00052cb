"""Reads the memory block of a chat within a deadline. A chat never waits longer, and never fails, because of it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from typing import Any
from weakref import WeakValueDictionary

from afterturn.client import plans
from afterturn.client.async_driver import AsyncDriver
from afterturn.client.effects import Effect, Embed
from afterturn.client.plans.memory_block import MemoryBlock
from afterturn.client.session import ClientSession
from afterturn.errors import AfterturnError, ModelUnavailable
from afterturn.hot import keys
from afterturn.memories import Memory
from afterturn.settings import Settings
from api_shim.chat import branches
from api_shim.chat.body import ChatBody
from api_shim.chat.patience import Patience
from api_shim.chat.spoken import Spoken

logger = logging.getLogger(__name__)

#: Readings that continue after their deadline, because their servers do not answer. With so many, no more are begun.
LATE_LIMIT = 32
#: Readings at the same time. More: in a burst of chats all of them end late, instead of one after the other.
SLOTS = 4
#: Messages that were sent without memory, because it was not available, and that this process remembers.
SKIPPED_LIMIT = 1_000
#: How long the first reading of a process may take: it opens the connections and loads the embedder.
WARM_UP_SECONDS = 5.0


class ChatDriver(AsyncDriver):
    """A driver that waits only so long for the embedder: without a vector, recall searches by words."""

    def __init__(self, settings: Settings, *, embed_seconds: float) -> None:
        super().__init__(settings)
        self._embed_seconds = embed_seconds

    async def _execute(self, effect: Effect[Any]) -> Any:
        if not isinstance(effect, Embed):
            return await super()._execute(effect)
        try:
            async with asyncio.timeout(self._embed_seconds):
                return await super()._execute(effect)
        except TimeoutError:
            raise ModelUnavailable("the embedder took too long for a chat (AFTERTURN_CHAT_MEMORY_SECONDS)") from None


class MemoryReader:
    """Reads memory blocks."""

    def __init__(self, settings: Settings, *, seconds: float | None = None) -> None:
        """`seconds`: how long a reading may take; by default AFTERTURN_CHAT_MEMORY_SECONDS."""
        self._settings = settings
        self._seconds = settings.chat_memory_seconds if seconds is None else seconds
        self._driver = ChatDriver(settings, embed_seconds=self._seconds / 2)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._slots = asyncio.Semaphore(SLOTS)
        self._completed = 0
        self._late: set[asyncio.Task[Any]] = set()
        #: What is being kept in Redis, so that the next step of a tool loop does not overtake it.
        self._remembering: WeakValueDictionary[tuple[str, str, str], asyncio.Task[Any]] = WeakValueDictionary()
        #: Fields of messages that were sent without memory, the oldest first.
        self._skipped: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    async def read(self, session: ClientSession, body: ChatBody, spoken: list[Spoken]) -> MemoryBlock | None:
        """Return the memory block of the last message of the user, or None if the memory was not available in time.

        The block of a new message is remembered for its tool loop.
        """
        field, is_continued = message_field(session, body), _is_continued(body)
        key = (session.scope.tenant_id, session.scope.user_id, field)
        if not is_continued:
            self._skipped.pop(key, None)
        elif key in self._skipped:
            return MemoryBlock()
        elif (remembering := self._remembering.get(key)) is not None:
            done, _ = await asyncio.wait({remembering}, timeout=self._seconds)
            if not done:
                return None
        block = await self._read_in_time(session, body, spoken, field, is_continued)
        if block is None and is_continued:
            return None  # what is remembered, if anything, is right for the next step of the loop
        if block is None:
            self._note_skipped(key)
        self._remembering[key] = self._start(self._remember(session, field, block or MemoryBlock()))
        return block

    async def run_in_time(self, plan: Any) -> Any:
        """Run a plan. Raises TimeoutError after the deadline; the plan then goes on, until its own servers end it."""
        if len(self._late) >= LATE_LIMIT:
            raise TimeoutError
        patience = Patience(self._seconds, lambda: self._completed)
        waiting = self._start(self._slots.acquire())
        if not await patience.wait_for(waiting) and not waiting.done():
            waiting.cancel()
            raise TimeoutError
        try:
            task = self._start(self._driver.run(plan))
            if await patience.wait_for(task):
                self._completed += 1
                return task.result()
        finally:
            self._slots.release()
        # It is not cancelled: that would wait for the server, which is what takes too long.
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        raise TimeoutError

    async def run(self, plan: Any) -> Any:
        """Run a plan without a deadline."""
        return await self._driver.run(plan)

    async def warm_up(self, session: ClientSession) -> None:
        """Open the connections and load the embedder, so that the first chat has its memory in time."""
        driver = AsyncDriver(self._settings)
        plan = plans.memory_block.read_block(
            session, "warm up", token_budget=100, field="", is_continued=False, is_in_request=lambda _: False
        )
        task = self._start(driver.run(plan))
        await asyncio.wait({task}, timeout=WARM_UP_SECONDS)

    async def _read_in_time(
        self, session: ClientSession, body: ChatBody, spoken: list[Spoken], field: str, is_continued: bool
    ) -> MemoryBlock | None:
        digests = frozenset(each.digest for each in spoken)

        def is_in_request(memory: Memory) -> bool:
            return memory.kind == "turn" and branches.digest_in(memory.memory_id) in digests

        plan = plans.memory_block.read_block(
            session,
            plans.memory_block.shorten_query(body.last_user_text),
            token_budget=self._settings.chat_memory_tokens,
            field=field,
            is_continued=is_continued,
            is_in_request=is_in_request,
        )
        try:
            block: MemoryBlock = await self.run_in_time(plan)
        except TimeoutError:
            logger.warning("a chat goes on without memory, which did not answer in time")
            return None
        except AfterturnError as error:
            logger.warning("a chat goes on without memory: %s", error)
            return None
        except Exception:
            logger.exception("a chat goes on without memory")
            return None
        return block

    async def _remember(self, session: ClientSession, field: str, block: MemoryBlock) -> None:
        """Keep the block, or that there was none, in Redis. What cannot be kept is read again."""
        await self._driver.run(plans.memory_block.remember(session, field, block.encode(), block.erased_token))

    def _start(self, coroutine: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._note_end)
        return task

    def _note_end(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # it was logged, or nobody waits for it any more

    def _note_skipped(self, key: tuple[str, str, str]) -> None:
        self._skipped[key] = time.monotonic()
        while len(self._skipped) > SKIPPED_LIMIT or (
            self._skipped and time.monotonic() - next(iter(self._skipped.values())) > keys.SHOWN_SECONDS
        ):
            self._skipped.popitem(last=False)


def message_field(session: ClientSession, body: ChatBody) -> str:
    """Return the field of the last message of the user: its session, its place among the messages, and its text."""
    place = sum(isinstance(each, dict) and each.get("role") == "user" for each in body.messages)
    return plans.memory_block.message_field(session.scope.session_id, str(place), body.last_user_text)


def _is_continued(body: ChatBody) -> bool:
    return body.last_user_index != len(body.messages) - 1
