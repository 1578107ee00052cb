"""Pydantic AI: a capability that shows the user's memory to the model, and remembers each run.

    agent = Agent("openai:gpt-5-mini", capabilities=[AfterturnMemory(user_id=lambda ctx: ctx.deps.user_id)])

Before the first request of a run, the memory is recalled for the prompt, and the prompt is written. In each request of
the run, what was recalled stands before the prompt; the history of the run does not contain it. After the run, tool
calls, their results and the answers are written.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from afterturn import LastTurns, MemoryClient, MemoryUnavailable, Settings, extras
from afterturn import settings as settings_module

extras.require("pydantic-ai", "the adapter for Pydantic AI")

import anyio.to_thread  # noqa: E402
from pydantic_ai import AgentRunResult, RunContext  # noqa: E402
from pydantic_ai.capabilities import AbstractCapability  # noqa: E402
from pydantic_ai.messages import (  # noqa: E402
    CachePoint,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextContent,
    ToolReturnPart,
    UserContent,
    UserPromptPart,
)
from pydantic_ai.tools import AgentDepsT  # noqa: E402

if TYPE_CHECKING:
    from pydantic_ai.models import ModelRequestContext

logger = logging.getLogger(__name__)

#: A name, or how to find it for a run.
Name: TypeAlias = "str | Callable[[RunContext[AgentDepsT]], str]"
#: Tokens of memory in a request, unless the caller says how many.
TOKEN_BUDGET = 1_000


@dataclass(slots=True)
class _RunMemory:
    """The memory of one run."""

    client: MemoryClient
    #: What is shown to the model; empty if there is nothing.
    text: str = ""
    #: The ids of the memories in it.
    memory_ids: tuple[str, ...] = ()


@dataclass
class AfterturnMemory(AbstractCapability[AgentDepsT]):
    """The memory of a user. An agent whose memory does not answer goes on without it, and logs a warning."""

    #: The user, or a function of the run's context: an agent usually serves many users.
    user_id: Name[AgentDepsT]
    _: KW_ONLY
    #: The conversation, or a function of the run's context. None: `conversation_id` of the run.
    session_id: Name[AgentDepsT] | None = None
    #: The agent that is stored with each turn. None: the agent's name.
    agent_id: str | None = None
    #: The user's name, for the facts about the user, or a function of the run's context.
    user_name: Name[AgentDepsT] | None = None
    #: The most tokens of memory in a request.
    token_budget: int = TOKEN_BUDGET
    #: The customer that the user belongs to. None: AFTERTURN_TENANT.
    tenant_id: str | None = None
    #: None: read from the environment.
    settings: Settings | None = field(default=None, repr=False)
    _memory: _RunMemory | None = field(default=None, init=False, repr=False, compare=False)

    @classmethod
    def get_serialization_name(cls) -> str | None:
        """Return None: it takes functions, so that no file can describe it."""
        return None

    async def for_run(self, ctx: RunContext[AgentDepsT]) -> AfterturnMemory[AgentDepsT]:
        """Return a copy with a memory of its own for this run. Raises InvalidId or SettingsError."""
        copy = replace(self)
        settings = settings_module.from_environment() if self.settings is None else self.settings
        session_id = self.session_id or ctx.conversation_id or ctx.run_id or "default"
        agent_id = self.agent_id or (ctx.agent.name if ctx.agent is not None else None)
        copy._memory = _RunMemory(
            MemoryClient(
                _choose(self.user_id, ctx),
                _choose(session_id, ctx),
                agent_id,
                tenant_id=self.tenant_id,
                settings=settings,
            )
        )
        return copy

    async def before_run(self, ctx: RunContext[AgentDepsT]) -> None:
        """Recall for the prompt, then write the prompt."""
        memory, prompt = self._memory, _to_text(ctx.prompt)
        if memory is None or not prompt:
            return
        name = None if self.user_name is None else _choose(self.user_name, ctx)
        await anyio.to_thread.run_sync(self._recall, memory, prompt)
        await anyio.to_thread.run_sync(_write, memory, [{"role": "user", "content": prompt, "name": name}])

    async def before_model_request(
        self, ctx: RunContext[AgentDepsT], request_context: ModelRequestContext
    ) -> ModelRequestContext:
        """Put what was recalled before the prompt, in this request only."""
        if self._memory is not None and self._memory.text:
            request_context.messages = _insert(request_context.messages, ctx.prompt, self._memory.text)
        return request_context

    async def after_run(self, ctx: RunContext[AgentDepsT], *, result: AgentRunResult[Any]) -> AgentRunResult[Any]:
        """Write tool calls, their results and the answers."""
        if self._memory is not None:
            turns = [turn for message in result.new_messages() for turn in _turns(message, self._memory.memory_ids)]
            await anyio.to_thread.run_sync(_write, self._memory, turns)
        return result

    def _recall(self, memory: _RunMemory, prompt: str) -> None:
        try:
            # The agent's own history shows the conversation.
            context = memory.client.context(prompt, self.token_budget, history=LastTurns(0))
        except MemoryUnavailable as error:
            logger.warning("the agent answers without memory: %s", error)
            return
        memory.text = "\n".join(str(message["content"]) for message in context.messages)
        memory.memory_ids = context.memory_ids


def _choose(name: Name[AgentDepsT], ctx: RunContext[AgentDepsT]) -> str:
    return name if isinstance(name, str) else name(ctx)


def _write(memory: _RunMemory, turns: Sequence[dict[str, Any]]) -> None:
    try:
        memory.client.write_many(turns)
    except MemoryUnavailable as error:
        logger.warning("%d turns of the agent are not remembered: %s", len(turns), error)


def _insert(messages: Sequence[ModelMessage], prompt: object, text: str) -> list[ModelMessage]:
    """Return the messages with a text before the prompt of the run: its last occurrence."""
    inserted = list(messages)
    for place in reversed(range(len(inserted))):
        message = inserted[place]
        if not isinstance(message, ModelRequest):
            continue
        for number, part in enumerate(message.parts):
            if isinstance(part, UserPromptPart) and part.content == prompt:
                shown = UserPromptPart(text, timestamp=part.timestamp)
                parts = [*message.parts[:number], shown, *message.parts[number:]]
                inserted[place] = replace(message, parts=parts)
                return inserted
    return inserted


def _turns(message: ModelMessage, memory_ids: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Yield the turns of a message, without the prompt, which is written already."""
    if isinstance(message, ModelRequest):
        for part in message.parts:
            if isinstance(part, ToolReturnPart):
                content = part.model_response_str()
                yield {"role": "tool", "tool_call_id": part.tool_call_id, "content": content or "(nothing)"}
    elif isinstance(message, ModelResponse):
        calls = [
            {
                "id": call.tool_call_id,
                "type": "function",
                "function": {"name": call.tool_name, "arguments": call.args_as_json_str()},
            }
            for call in message.tool_calls
        ]
        if calls or message.text:
            said: dict[str, Any] = {"role": "assistant", "content": message.text, "memories_shown": memory_ids}
            yield said | ({"tool_calls": calls} if calls else {})


def _to_text(prompt: str | Sequence[UserContent] | None) -> str:
    """Return the text of a prompt, with a mark for each image or file."""
    if prompt is None or isinstance(prompt, str):
        return prompt or ""
    texts = []
    for item in prompt:
        if isinstance(item, str | TextContent):
            texts.append(item if isinstance(item, str) else item.content)
        elif not isinstance(item, CachePoint):
            texts.append(f"[{item.kind.removesuffix('-url')}]")
    return "\n".join(texts)
