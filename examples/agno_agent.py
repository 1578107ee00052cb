"""An Agno agent with automatic memories, memories that are added by hand, and search by topic.

It prints::

    Remembered: Ana lives in Lisbon.
    Added: 2 memories.
    Music: Ana likes fado.; Ana plays the cello.
    Found: Ana plays the cello.
    Agent: ...Lisbon...
"""

from __future__ import annotations

import os
import time

from agno.agent import Agent
from agno.db.in_memory import InMemoryDb
from agno.memory import UserMemory
from agno.models.openai import OpenAIChat

from api_shim.adapters.agno import AfterturnMemoryManager

memories = AfterturnMemoryManager(user_name="Ana")
agent = Agent(
    model=OpenAIChat(id=os.environ.get("OPENAI_MODEL", "gpt-5-mini"), base_url=os.environ.get("OPENAI_BASE_URL")),
    db=InMemoryDb(),
    memory_manager=memories,
    update_memory_on_run=True,
    telemetry=False,
)


def wait_for(count: int) -> list[UserMemory]:
    """Return the memories, when there are so many: workers make them in the background."""
    while len(found := memories.get_user_memories("ana")) < count:
        time.sleep(0.1)
    return found


# Automatic: the workers learn from the message, after the run.
agent.run("I live in Lisbon.", user_id="ana", session_id="monday")
print("Remembered:", *(memory.memory for memory in wait_for(1)))

# By hand, several at once, with topics.
added = [UserMemory("Ana plays the cello.", topics=["music"]), UserMemory("Ana likes fado.", topics=["music"])]
print(f"Added: {len(memories.add_user_memories(added, user_id='ana'))} memories.")
wait_for(3)
music = memories.search_user_memories(topics=["music"], user_id="ana")
print("Music:", "; ".join(sorted(memory.memory for memory in music)))
print("Found:", *(memory.memory for memory in memories.search_user_memories("cello", 1, user_id="ana")))

print("Agent:", agent.run("Where do I live?", user_id="ana", session_id="friday").content)
