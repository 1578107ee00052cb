"""The OpenAI Agents SDK with sessions that remember: undo of a question, long-term facts, one memory per customer.

It prints::

    Ana: I live in Porto and I own two bicycles.
    Bot: ...
    Ana takes that back, and says it again:
    Ana: I live in Lisbon and I own two bicycles.
    Bot: ...
    What is remembered of Ana:
    - The user lives in Lisbon.
    - The user owns two bicycles.
    The next day, in a new conversation:
    Ana: How many bicycles do I own?
    Bot: ...two bicycles...
    Two customers write to the support bot at the same time:
    ben: 2 items, about order 1042
    cleo: 2 items, about order 2077
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

from agents import Agent, Runner, set_default_openai_api, set_tracing_disabled

from afterturn import MemoryClient
from api_shim.adapters.openai_agents import AfterturnSession, memory_instructions

# OPENAI_BASE_URL and OPENAI_API_KEY say which model answers; most endpoints speak the older of OpenAI's two APIs.
set_default_openai_api("chat_completions")
set_tracing_disabled(True)
MODEL = os.environ.get("OPENAI_MODEL", "gpt-5-mini")


@dataclass
class Customer:
    """The context of a run. The session and the instructions take the user from it."""

    user_id: str


concierge = Agent(
    name="Concierge",
    model=MODEL,
    instructions=memory_instructions("ana", instructions="Answer in one short sentence."),
)
support = Agent(name="Support", model=MODEL, instructions=memory_instructions(instructions="You answer for the shop."))


async def ask(session: AfterturnSession, message: str) -> None:
    """Ask the concierge, and print both sides."""
    print("Ana:", message)
    result = await Runner.run(concierge, message, session=session)
    print("Bot:", result.final_output)


async def undo(session: AfterturnSession) -> None:
    """Take the last answer and its question back, with what was learnt from them."""
    await session.pop_item()
    await session.pop_item()


async def help_customer(user_id: str, order: int) -> None:
    """Answer a customer: one bot, one session per conversation, one memory per customer."""
    session = AfterturnSession(f"order-{order}", agent_id="support")
    await Runner.run(support, f"Where is my order {order}?", session=session, context=Customer(user_id))


async def main() -> None:
    monday = AfterturnSession("monday", user_id="ana")
    await ask(monday, "I live in Porto and I own two bicycles.")
    print("Ana takes that back, and says it again:")
    await undo(monday)
    await ask(monday, "I live in Lisbon and I own two bicycles.")

    memory = MemoryClient("ana", "monday")
    memory.flush(wait_seconds=60)  # otherwise the facts follow by themselves, soon after the last turn
    print("What is remembered of Ana:")
    for fact in sorted(memory.facts(), key=lambda fact: fact.text):
        print("-", fact.text)

    print("The next day, in a new conversation:")
    await ask(AfterturnSession("tuesday", user_id="ana"), "How many bicycles do I own?")

    print("Two customers write to the support bot at the same time:")
    orders = {"ben": 1042, "cleo": 2077}
    await asyncio.gather(*(help_customer(user_id, order) for user_id, order in orders.items()))
    for user_id, order in orders.items():
        items = await AfterturnSession(f"order-{order}", user_id=user_id).get_items()
        print(f"{user_id}: {len(items)} items, about order {order}")


asyncio.run(main())
