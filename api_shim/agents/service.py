"""Answers a message to an agent: read the memory, write the message, ask the model, write the answer."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from afterturn.client import plans
from afterturn.context.context import Context, ContextRequest
from afterturn.errors import AfterturnError, EndpointMisconfigured
from afterturn.llm.client import LLM
from afterturn.settings import Settings
from afterturn.turns import Turn
from api_shim.agents.run import Completed, Run, RunEvent, Started
from api_shim.agents.turn_writer import WRITE_SECONDS, TurnWriter
from api_shim.chat.memory_reader import MemoryReader

logger = logging.getLogger(__name__)

#: How long a run waits for its memory, unless AFTERTURN_CHAT_MEMORY_SECONDS is longer. An agent waits longer than a
#: chat: the memory has its conversation too, which a chat's request brings along.
MEMORY_SECONDS = 1.0
#: The largest number of tokens of memory and conversation in a prompt. More: each answer costs more. Less: long
#: conversations lose their beginning earlier.
CONTEXT_TOKENS = 4_000
#: What the model is told first, unless the request says it.
DEFAULT_INSTRUCTIONS = "You are a helpful assistant."
#: The last turns among which the answer to an earlier, equal request is looked for.
REPEAT_TURNS = 100


class AgentService:
    """Runs agents. What an agent knows of a user, all agents know: the memory is the user's."""

    def __init__(self, settings: Settings) -> None:
        """Raises SettingsError if the model's URL is no URL."""
        self._settings = settings
        self._reader = MemoryReader(settings, seconds=max(settings.chat_memory_seconds, MEMORY_SECONDS))
        self._writer = TurnWriter()
        self._model = None if settings.is_offline else LLM.from_settings(settings)

    @property
    def model_name(self) -> str:
        """The model of the settings."""
        return self._settings.llm_model

    async def close(self) -> None:
        """Wait for what is being written, and close the connections."""
        await self._writer.drain()
        if self._model is not None:
            await self._model.close_async()

    async def answer(self, run: Run) -> AsyncGenerator[RunEvent, None]:
        """Yield the events of a run. Closing the generator ends the model's answer; what was delivered is written.

        Raises InvalidInput; EndpointMisconfigured if no model is configured, before anything is stored; or the
        ModelError of the model, after the user's turn is stored.
        """
        model = self._require_model()
        earlier = await self._read_earlier(run)
        context = None if earlier else await self._read_context(run)
        is_away = earlier is None and context is None
        # If the memory is away, the first step of the write still refuses what can never be written.
        is_written = await self._writer.write_message(run, seconds=0.0 if is_away else WRITE_SECONDS)
        if earlier is not None:
            yield Started(memory="on")
            yield earlier.content
            yield Completed(content=earlier.content, model=self.model_name, end=None)
            return
        async with aclosing(self._ask(model, run, context, is_written=is_written)) as events:
            async for event in events:
                yield event

    async def _ask(
        self, model: LLM, run: Run, context: Context | None, *, is_written: bool
    ) -> AsyncGenerator[RunEvent, None]:
        """Yield the events of the model's answer, and write it."""
        memory_ids = context.memory_ids if context else ()
        started = Started(memory="unavailable" if context is None else "on", memory_ids=memory_ids)
        said: list[str] = []
        end = None
        try:
            async with aclosing(
                model.stream_async(_make_messages(run, context), max_tokens=self._settings.llm_answer_tokens)
            ) as pieces:
                async for piece in pieces:
                    if not isinstance(piece, str):
                        end = piece
                        continue
                    if not said:
                        yield started
                    yield piece
                    said.append(piece)
        finally:
            text = "".join(said)
            writing = None
            if text and (run.is_stream or end is not None):
                writing = self._writer.write_answer(run, text, memory_ids, has_message=is_written)
        if writing is not None and is_written:
            await self._writer.wait_for(writing)
        assert end is not None
        yield Completed(content=text, model=end.model, end=end)

    def _require_model(self) -> LLM:
        if self._model is None:
            raise EndpointMisconfigured(
                "no model answers for agents: set AFTERTURN_LLM_API_KEY, or AFTERTURN_LLM_BASE_URL"
            )
        return self._model

    async def _read_context(self, run: Run) -> Context | None:
        """Return the memory and the conversation, or None if the memory does not answer in time."""
        request = ContextRequest(token_budget=CONTEXT_TOKENS)
        context: Context | None = await self._read(
            plans.context.context(run.session, plans.memory_block.shorten_query(run.message), request)
        )
        return context

    async def _read_earlier(self, run: Run) -> Turn | None:
        """Return the answer to an earlier request with the same Idempotency-Key, if there is one."""
        if run.request_id is None:
            return None
        turns: Sequence[Turn] = await self._read(plans.history.history(run.session, REPEAT_TURNS)) or ()
        return next((turn for turn in turns if turn.turn_id == run.answer_id), None)

    async def _read(self, plan: Any) -> Any:
        """Return what the plan reads, or None if the memory does not answer in time."""
        try:
            return await self._reader.run_in_time(plan)
        except TimeoutError:
            logger.warning("an agent answers without memory, which did not answer in time")
        except AfterturnError as error:
            logger.warning("an agent answers without memory: %s", error)
        return None


def _make_messages(run: Run, context: Context | None) -> list[dict[str, Any]]:
    """Return the prompt: instructions, memory and conversation, message."""
    asked = {"role": "user", "content": run.message}
    before: list[dict[str, Any]] = [dict(message) for message in context.messages] if context else []
    if before and before[-1].get("role") == "user" and before[-1].get("content") == run.message:
        # The message was sent before, and the model was away.
        before.pop()
    return [{"role": "system", "content": run.instructions}, *before, asked]
