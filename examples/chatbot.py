"""A chatbot that knows its user in the next conversation, too.

Each answer is made from the context of the message: what is remembered of the user, and the recent turns.

It prints::

    Ana: I live in Lisbon and I work as a cook.
    Ana: Where do I live?
    Bot: ...Lisbon...
    What is remembered:
    - Ana lives in Lisbon.
    - Ana works as a cook.
    The next day, in a new conversation:
    Ana: What is my work?
    Bot: ...cook...
"""

from __future__ import annotations

import os

from openai import OpenAI

from afterturn import MemoryClient

model = OpenAI()  # OPENAI_BASE_URL and OPENAI_API_KEY say which


def chat(memory: MemoryClient, message: str) -> str:
    """Answer a message of the user, and write both sides to the memory."""
    context = memory.context(message, token_budget=2_000)
    instructions = {"role": "system", "content": "You are a friendly assistant."}
    completion = model.chat.completions.create(
        model=os.environ.get("OPENAI_MODEL", "gpt-5-mini"),
        messages=[instructions, *context.messages, {"role": "user", "content": message}],
    )
    answer = completion.choices[0].message
    memory.write("user", message, name="Ana")
    memory.write(answer, memories_shown=context.memory_ids)
    return answer.content or ""


today = MemoryClient(user_id="ana", session_id="monday", agent_id="chatbot")
print("Ana: I live in Lisbon and I work as a cook.")
chat(today, "I live in Lisbon and I work as a cook.")
print("Ana: Where do I live?")
print("Bot:", chat(today, "Where do I live?"))

today.flush(wait_seconds=60)  # otherwise the facts follow by themselves, soon after the last turn
print("What is remembered:")
for fact in sorted(today.facts(), key=lambda fact: fact.text):
    print("-", fact.text)

print("The next day, in a new conversation:")
tomorrow = MemoryClient(user_id="ana", session_id="tuesday", agent_id="chatbot")
print("Ana: What is my work?")
print("Bot:", chat(tomorrow, "What is my work?"))
