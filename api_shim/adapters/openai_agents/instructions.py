"""Instructions of an agent with what is known of the user."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from agents import Agent

from afterturn.client import plans
from afterturn.client.driver import Driver
from afterturn.client.session import ClientSession
from afterturn.context.budget import validate_token_budget
from afterturn.context.context import Context
from afterturn.errors import MemoryUnavailable
from api_shim.adapters.openai_agents import run_context
from api_shim.adapters.openai_agents.run_context import Wrapper

if TYPE_CHECKING:
    from afterturn.settings import Settings

logger = logging.getLogger("afterturn.client")

#: The longest part of a message by which facts are recalled.
_QUERY_CHARACTERS = 2_000


def memory_instructions(
    user_id: str | None = None,
    *,
    instructions: str = "",
    token_budget: int = 1_000,
    agent_id: str | None = None,
    tenant_id: str | None = None,
    settings: Settings | None = None,
) -> Callable[[Wrapper, Agent[Any]], Awaitable[str]]:
    """Return a function for `Agent(instructions=…)`: your instructions, then the facts about the user, marked as data.

    The facts are the profile, the pinned facts, and those that answer the user's last message. If the memory does not
    answer, the run goes on with your instructions alone.

    Args:
        user_id: the user. Default: `user_id` of the run's context, an attribute or a key; without one, no facts.
        instructions: the agent's own instructions.
        token_budget: the largest number of tokens of the facts.
        agent_id: only facts from turns that this agent wrote. Default: from all agents.
        tenant_id: the customer that the user belongs to. Default: AFTERTURN_TENANT.
        settings: the settings. Default: read from the environment.

    Raises InvalidInput or SettingsError.
    """
    validate_token_budget(token_budget)

    def read(user: str, query: str | None) -> Context:
        session = ClientSession(
            user_id=user, session_id="default", agent_id=None, tenant_id=tenant_id, settings=settings
        )
        plan = plans.facts_block.read(session, query, token_budget=token_budget, agent_id=agent_id)
        return Driver(session.settings).run(plan)

    async def with_memory(wrapper: Wrapper, agent: Agent[Any]) -> str:
        user = user_id if user_id is not None else run_context.user_of(wrapper)
        if user is None:
            return instructions
        try:
            context = await asyncio.to_thread(read, user, _last_words(wrapper))
        except MemoryUnavailable as error:
            logger.warning("the instructions contain no facts: %s", error)
            return instructions
        run_context.note_shown(wrapper, context.memory_ids)
        blocks = [message["content"] for message in context.messages]
        return "\n\n".join(part for part in (instructions, *blocks) if part)

    return with_memory


def _last_words(wrapper: Wrapper) -> str | None:
    """Return the text of the user's last message in the run's input, or None."""
    from afterturn import session_items

    for item in reversed(wrapper.turn_input):
        said = session_items.describe(item, turn_limit_bytes=4 * _QUERY_CHARACTERS)
        if said.role == "user" and said.content.strip():
            return said.content[:_QUERY_CHARACTERS]
    return None
