"""A Pydantic AI agent that knows each of its users in the next conversation, too.

It prints::

    Ana: I live in Lisbon.
    Ben: I live in Rome.
    In another conversation:
    Ana: Where do I live?
    Agent: ...Lisbon...
    Ben: Where do I live?
    Agent: ...Rome...
"""

from __future__ import annotations

import os

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel

from afterturn import MemoryClient
from api_shim.adapters.pydantic_ai import AfterturnMemory

agent = Agent(
    OpenAIChatModel(os.environ.get("OPENAI_MODEL", "gpt-5-mini")),  # OPENAI_BASE_URL and OPENAI_API_KEY say where
    name="concierge",
    deps_type=str,
    capabilities=[AfterturnMemory(user_id=lambda ctx: ctx.deps, user_name=lambda ctx: ctx.deps.title())],
)

for user, place in (("ana", "Lisbon"), ("ben", "Rome")):
    print(f"{user.title()}: I live in {place}.")
    agent.run_sync(f"I live in {place}.", deps=user, conversation_id="monday")
    MemoryClient(user, "monday").flush(wait_seconds=60)

print("In another conversation:")
for user in ("ana", "ben"):
    print(f"{user.title()}: Where do I live?")
    print("Agent:", agent.run_sync("Where do I live?", deps=user, conversation_id="friday").output)
