"""A middleware that recalls what is known of the user before the model is called, and writes both sides after it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, BaseMessage

from afterturn.client import plans
from afterturn.client.async_driver import AsyncDriver
from afterturn.client.driver import Driver
from afterturn.client.effects import Plan
from afterturn.client.plans.memory_block import MemoryBlock
from afterturn.client.session import ClientSession
from afterturn.context.budget import validate_token_budget
from afterturn.errors import AfterturnError, InvalidInput
from afterturn.memories import Memory
from afterturn.settings import Settings, from_environment
from api_shim.adapters import langgraph_run
from api_shim.adapters.langchain import messages

logger = logging.getLogger("afterturn.client")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One call of the model: whose it is, and what it is asked."""

    session: ClientSession
    #: The conversation, without changes of other middleware for this call.
    conversation: Sequence[BaseMessage]
    #: The place of the last message of the user in the conversation.
    asked: int

    @property
    def field(self) -> str:
        """The name under which the memory block is remembered."""
        return messages.field_of(self.session.scope.session_id, self.asked, self.conversation[self.asked])

    @property
    def is_continued(self) -> bool:
        """Whether the model was called for this message before: the results of tools follow it."""
        return any(isinstance(each, AIMessage) for each in self.conversation[self.asked + 1 :])


class AfterturnMiddleware(AgentMiddleware[Any, Any, Any]):
    """Give an agent of LangChain (`create_agent`, `create_deep_agent`) the memory of its user.

    Before each call of the model, what is known of the user and answers the user's last message is added to the end of
    that message, for this call only: the agent's state does not contain it. After the call, the new messages of the
    user and of tools and the model's answer become turns. The memory never fails an agent: if a server does not answer,
    the agent goes on without, and the log says so.
    """

    def __init__(
        self,
        *,
        user_id: str | None = None,
        session_id: str | None = None,
        agent_id: str | None = None,
        token_budget: int | None = None,
        tenant_id: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Create the middleware. Many runs, threads and event loops may share it.

        Args:
            user_id: the user. Default: `user_id` of the run's context, or of `configurable` in its configuration;
                without one, each thread has a memory of its own.
            session_id: the conversation. Default: the run's `thread_id`, else "default".
            agent_id: the agent that writes the turns.
            token_budget: the largest number of tokens that are added. Default: AFTERTURN_CHAT_MEMORY_TOKENS.
            tenant_id: the customer that the user belongs to. Default: AFTERTURN_TENANT.
            settings: the settings. Default: read from the environment.

        Raises InvalidInput or SettingsError.
        """
        super().__init__()
        self._settings = from_environment() if settings is None else settings
        self._user_id, self._session_id = user_id, session_id
        self._arguments = {"agent_id": agent_id, "tenant_id": tenant_id, "settings": self._settings}
        self._token_budget = self._settings.chat_memory_tokens if token_budget is None else token_budget
        validate_token_budget(self._token_budget)
        # A wrong id is an error here, not at the first call.
        user = "somebody" if user_id is None else user_id
        ClientSession(user_id=user, session_id=session_id or "default", **self._arguments)  # type: ignore[arg-type]
        self._driver = Driver(self._settings)
        self._async_driver = AsyncDriver(self._settings)

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any]:
        """Recall, call the model, write. Raises InvalidInput if the run names neither user nor thread."""
        call = self._find_call(request)
        if call is None:
            return handler(request)
        block = MemoryBlock()
        with _going_on("recalls nothing"):
            block = self._driver.run(self._read(call))
        response = handler(self._with_block(request, block))
        answers = _answers(response)
        with _going_on("writes nothing"):
            if _is_loop_begun(call, answers):
                self._driver.run(_remember(call, block))
            self._driver.run(_write(call, answers, block))
        return response

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        """Recall, call the model, write, with asyncio. Raises InvalidInput, like `wrap_model_call`."""
        call = self._find_call(request)
        if call is None:
            return await handler(request)
        block = MemoryBlock()
        with _going_on("recalls nothing"):
            block = await self._async_driver.run(self._read(call))
        response = await handler(self._with_block(request, block))
        answers = _answers(response)
        with _going_on("writes nothing"):
            if _is_loop_begun(call, answers):
                await self._async_driver.run(_remember(call, block))
            await self._async_driver.run(_write(call, answers, block))
        return response

    def _find_call(self, request: ModelRequest[Any]) -> _Call | None:
        """Return the call; None if no user has said anything."""
        conversation = list(request.state.get("messages") or request.messages)
        asked = messages.last_human(conversation)
        user_id = self._user_id or langgraph_run.find_user(request.runtime)
        session_id = self._session_id or langgraph_run.find_thread()
        if user_id is None and session_id is None:
            raise InvalidInput(
                "AfterturnMiddleware needs to know whose memory it uses: give it a user_id, or call the agent with "
                'context={"user_id": "…"} or config={"configurable": {"thread_id": "…"}}'
            )
        if asked is None:
            return None
        arguments = {**self._arguments, "user_id": user_id, "session_id": session_id or "default"}
        session = ClientSession(**arguments)  # type: ignore[arg-type]
        return _Call(session=session, conversation=conversation, asked=asked)

    def _read(self, call: _Call) -> Plan[MemoryBlock]:
        present = {each.id for each in call.conversation}

        def is_in_request(memory: Memory) -> bool:
            return memory.kind == "turn" and memory.memory_id in present

        return plans.memory_block.read_block(
            call.session,
            messages.query_of(call.conversation[call.asked]),
            token_budget=self._token_budget,
            field=call.field,
            is_continued=call.is_continued,
            is_in_request=is_in_request,
        )

    def _with_block(self, request: ModelRequest[Any], block: MemoryBlock) -> ModelRequest[Any]:
        if not block.text:
            return request
        if self._settings.chat_memory_place == "system":
            return request.override(system_message=messages.system_with_block(request.system_message, block.text))
        place = messages.last_human(request.messages)
        if place is None:
            return request
        changed = [*request.messages]
        changed[place] = cast(Any, messages.with_block(changed[place], block.text))
        return request.override(messages=changed)


def _is_loop_begun(call: _Call, answers: Sequence[BaseMessage]) -> bool:
    """Whether the model has called tools for the first time: it will be called again for the same message."""
    return not call.is_continued and any(isinstance(each, AIMessage) and each.tool_calls for each in answers)


def _remember(call: _Call, block: MemoryBlock) -> Plan[None]:
    """Keep the block, so that the prompt stays the same through the tool loop, and the provider's cache valid."""
    return plans.memory_block.remember(call.session, call.field, block.encode(), block.erased_token)


def _answers(response: ModelResponse[Any]) -> list[BaseMessage]:
    return messages.name_answers(response.result)


def _write(call: _Call, answers: Sequence[BaseMessage], block: MemoryBlock) -> Plan[None]:
    """Write the new messages and the answers as turns."""
    said = [*messages.since_last_answer(call.conversation), *answers]
    turns = [messages.to_turn(each, block.memory_ids) for each in said]
    return plans.turn_writes.write_each(call.session, [turn for turn in turns if not messages.is_empty(turn)])


@contextmanager
def _going_on(what: str) -> Iterator[None]:
    """Log that the memory does not answer. The agent goes on."""
    try:
        yield
    except AfterturnError as error:
        logger.warning("an agent goes on, and %s: %s", what, error)
    except Exception:
        logger.exception("an agent goes on, and %s", what)
