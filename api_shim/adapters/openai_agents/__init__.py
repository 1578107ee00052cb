"""The memory inside the OpenAI Agents SDK: a session, and instructions with what is known of the user.

session = AfterturnSession("chat-1", user_id="ana")
agent = Agent(name="Concierge", instructions=memory_instructions("ana", instructions="Be brief."))
await Runner.run(agent, "I live in Lisbon.", session=session)
"""

from afterturn import extras

extras.require("openai-agents", "the OpenAI Agents SDK adapter")

from api_shim.adapters.openai_agents.instructions import memory_instructions  # noqa: E402
from api_shim.adapters.openai_agents.session import AfterturnSession  # noqa: E402

__all__ = ["AfterturnSession", "memory_instructions"]
