"""An agent of LangChain with the memory of its user, and a graph of LangGraph that keeps items in the same Postgres.

The middleware recalls before the model and writes after it. The store's items are found at once, by key and by meaning.

It prints::

    Ana, on Monday: I live in Lisbon and I am allergic to nuts.
    What is remembered:
    - Ana is allergic to nuts.
    - Ana lives in Lisbon.
    Ana, on Tuesday, in a new thread: Where do I live?
    Bot: ...Lisbon...
    Found in the store: ['a bicycle with 7 gears', ...]
    Ana is forgotten: 0 items, 0 facts.
"""

from __future__ import annotations

import os
import subprocess
from typing import TypedDict

from langchain.agents import create_agent
from langchain.chat_models import init_chat_model
from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime

from afterturn import MemoryClient
from api_shim.adapters.langchain import AfterturnMiddleware
from api_shim.adapters.langgraph import AfterturnStore

# OPENAI_BASE_URL and OPENAI_API_KEY say which endpoint.
model = init_chat_model(os.environ.get("OPENAI_MODEL", "gpt-5-mini"), model_provider="openai")
agent = create_agent(model, middleware=[AfterturnMiddleware(user_id="ana")], checkpointer=InMemorySaver())


def ask(text: str, thread: str) -> str:
    """Say something to the agent in a thread."""
    said = {"messages": [HumanMessage(text, name="Ana")]}
    return str(agent.invoke(said, {"configurable": {"thread_id": thread}})["messages"][-1].text)


print("Ana, on Monday: I live in Lisbon and I am allergic to nuts.")
ask("I live in Lisbon and I am allergic to nuts.", "monday")
memory = MemoryClient("ana", "monday")
memory.flush(wait_seconds=60)
print("What is remembered:")
for fact in sorted(fact.text for fact in memory.facts()):
    print("-", fact)
print("Ana, on Tuesday, in a new thread: Where do I live?")
print("Bot:", ask("Where do I live?", "tuesday"))


class State(TypedDict, total=False):
    """The state of the graph."""

    item: str
    question: str
    found: list[str]


def keep(state: State, runtime: Runtime) -> State:
    """Put an item."""
    assert runtime.store is not None
    runtime.store.put(("belongings",), state["item"], {"text": state["item"]}, ttl=60)
    return {}


def find(state: State, runtime: Runtime) -> State:
    """Search the items by meaning."""
    assert runtime.store is not None
    found = runtime.store.search(("belongings",), query=state["question"])
    return {"found": [item.value["text"] for item in found]}


store = AfterturnStore(user_id="ana")
graph = StateGraph(State).add_sequence([keep, find]).add_edge(START, "keep").compile(store=store)
for item in ("a piano", "a bicycle with 7 gears"):
    state = graph.invoke({"item": item, "question": "How many gears does the bicycle have?"})
print("Found in the store:", state["found"])

subprocess.run(["afterturn", "forget", "ana", "--yes"], check=True, capture_output=True)
print(f"Ana is forgotten: {len(store.search(()))} items, {len(memory.facts())} facts.")
