"""A RAG agent that recalls what it knows of a conversation before it answers from documents.

The client is given no user: the session has a memory of its own. The same session id finds it again, in any process.

It prints::

    > My order 1042 is a bicycle with 7 gears.
    Noted.
    > How many days do I have to send it back?
    Orders can be sent back within 30 days.
    > What is the number of my bicycle order?
    My order 1042 is a bicycle with 7 gears...
    Recalled without a question, the newest first:
    - User: What is the number of my bicycle order? | Assistant: ...1042...
    - User: How many days do I have to send it back? | Assistant: Orders can be sent back within 30 days.
    - User: My order 1042 is a bicycle with 7 gears. | Assistant: Noted.
"""

from __future__ import annotations

import os
import re

from openai import OpenAI

from afterturn import MemoryClient

DOCUMENTS = [
    "Orders can be sent back within 30 days.",
    "Shipping takes two days, and is free from 50 euros.",
    "The workshop repairs bicycles from Monday to Friday.",
]

model = OpenAI()  # OPENAI_BASE_URL and OPENAI_API_KEY say which
memory = MemoryClient(agent_id="rag_bot", session_id="user_123")


def find_documents(query: str, limit: int = 2) -> list[str]:
    """Return the documents that share most words with the query: your vector store in place of it."""
    words = set(re.findall(r"\w{4,}", query.lower()))
    return sorted(DOCUMENTS, key=lambda text: -len(words & set(re.findall(r"\w{4,}", text.lower()))))[:limit]


def answer(query: str) -> str:
    """Recall, retrieve, answer, write."""
    memories = memory.recall(limit=5)  # without a question: the newest turns. memory.recall(query, limit=5) searches
    shown = "\n".join([*(found.text for found in memories), *find_documents(query)])
    completion = model.chat.completions.create(
        model=os.environ.get("OPENAI_MODEL", "gpt-5-mini"),
        messages=[
            {"role": "system", "content": f"Answer in one sentence, from what is shown here.\n\n{shown}"},
            {"role": "user", "content": query},
        ],
    )
    said = completion.choices[0].message.content or ""
    memory.write(f"User: {query} | Assistant: {said}")
    return said


for question in (
    "My order 1042 is a bicycle with 7 gears.",
    "How many days do I have to send it back?",
    "What is the number of my bicycle order?",
):
    print(">", question)
    print(answer(question))

print("Recalled without a question, the newest first:")
for found in memory.recall(limit=3):
    print("-", found.text)
