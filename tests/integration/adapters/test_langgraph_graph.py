"""A graph that writes and searches the store, while the workers archive turns."""

from typing import TypedDict

import pytest
from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime

from afterturn.errors import InvalidInput
from api_shim import MemoryClient
from api_shim.adapters.langgraph import AfterturnStore, user_of_run


class State(TypedDict, total=False):
    said: str
    found: list[str]


class Who(TypedDict):
    user_id: str


def remember(state: State, runtime: Runtime) -> State:
    runtime.store.put(("memories",), state["said"][:20], {"text": state["said"]})
    return {}


def recall(state: State, runtime: Runtime) -> State:
    found = runtime.store.search(("memories",), query=state["said"], limit=3)
    return {"found": [item.value["text"] for item in found]}


async def remember_async(state: State, runtime: Runtime) -> State:
    await runtime.store.aput(("memories",), state["said"][:20], {"text": state["said"]})
    return {}


async def recall_async(state: State, runtime: Runtime) -> State:
    found = await runtime.store.asearch(("memories",), query=state["said"], limit=3)
    return {"found": [item.value["text"] for item in found]}


def compile_graph(store, write, read):
    graph = StateGraph(State, context_schema=Who)
    graph.add_node("remember", write)
    graph.add_node("recall", read)
    graph.add_edge(START, "remember")
    graph.add_edge("remember", "recall")
    return graph.compile(store=store)


def test_a_graph_writes_and_searches_while_turns_are_archived(settings, workers):
    store = AfterturnStore(user_id="ana", settings=settings)
    graph = compile_graph(store, remember, recall)
    memory = MemoryClient("ana", "chat", settings=settings)
    for number in range(20):
        memory.write("user", f"My cat number {number} is called Tom{number}.", name="Ana")
        state = graph.invoke({"said": f"note {number} of the garden"})
        assert f"note {number} of the garden" in state["found"]
    memory.flush(wait_seconds=60)
    assert len(memory.history(50)) == 20 and len(store.search(("memories",), limit=50)) == 20
    assert all("garden" not in found.text for found in memory.recall("garden"))


@pytest.mark.anyio
async def test_the_owner_can_be_the_user_of_the_run(settings, anyio_backend):
    graph = compile_graph(AfterturnStore(user_id=user_of_run, settings=settings), remember_async, recall_async)
    await graph.ainvoke({"said": "ana's secret"}, context={"user_id": "ana"})
    await graph.ainvoke({"said": "ben's secret"}, config={"configurable": {"user_id": "ben"}})
    state = await graph.ainvoke({"said": "what secret?"}, context={"user_id": "ana"})
    assert sorted(state["found"]) == ["ana's secret", "what secret?"]
    assert len(AfterturnStore(user_id="ben", settings=settings).search(("memories",))) == 1
    with pytest.raises(InvalidInput, match="user_id"):
        await graph.ainvoke({"said": "nobody"})


def test_outside_of_a_run_there_is_no_user_of_the_run(settings):
    with pytest.raises(InvalidInput, match="user_id"):
        AfterturnStore(user_id=user_of_run, settings=settings).get(("a",), "k")
