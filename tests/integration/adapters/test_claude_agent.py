"""The session store for the Claude Agent SDK, while workers archive and learn."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from claude_agent_sdk import (
    ClaudeAgentOptions,
    SessionKey,
    delete_session_via_store,
    get_session_messages_from_store,
    list_sessions_from_store,
    project_key_for_directory,
)
from claude_agent_sdk.testing import run_session_store_conformance

from afterturn.errors import InvalidId
from afterturn.local.stack import Stack
from afterturn.settings import Settings
from api_shim import MemoryClient
from api_shim.adapters.claude_agent import AfterturnSessionStore

KEY: SessionKey = {"project_key": "-home-ana-shop", "session_id": "6f2c5f0e-3a9e-4f5e-9df3-0d6b3f1f6a11"}


@pytest.fixture
def store(settings: Settings) -> AfterturnSessionStore:
    return AfterturnSessionStore("ana", user_name="Ana", settings=settings)


def entry(number: int, role: str = "user", content: Any = "Hello.", **fields: Any) -> Any:
    return {"type": role, "uuid": f"uuid-{number}", "message": {"role": role, "content": content}, **fields}


def run(call: Callable[[], Awaitable[Any]]) -> Any:
    """Run a call on an event loop of its own."""
    return anyio.run(call)


@pytest.mark.parametrize("is_settled", [False, True], ids=["nothing archived", "workers archive"])
def test_it_passes_the_conformance_tests_of_the_sdk(
    request: pytest.FixtureRequest, settings: Settings, is_settled: bool
) -> None:
    if is_settled:
        request.getfixturevalue("workers")
    made = iter(range(1_000))

    class Slow(AfterturnSessionStore):
        """Lets the workers archive before each read."""

        async def load(self, key: SessionKey) -> Any:
            await anyio.sleep(0.7)
            return await super().load(key)

    kind = Slow if is_settled else AfterturnSessionStore
    run(lambda: run_session_store_conformance(lambda: kind(f"user-{next(made)}", settings=settings)))


def test_entries_come_back_as_they_were(store: AfterturnSessionStore, pipeline: Any) -> None:
    entries = [
        entry(1, content="NUL \x00, half a pair \ud800, é, 猫"),
        entry(2, "assistant", [{"type": "text", "text": "Hi."}, {"type": "tool_use", "id": "t", "input": {"b": 1}}]),
        entry(3, content=[{"type": "tool_result", "tool_use_id": "t", "content": "x" * 1_500_000}]),
        {"type": "custom-title", "customTitle": "Shop"},
        {"type": "custom-title", "customTitle": "Shop"},
        {"type": "x", "uuid": "", "nested": {"": [None, True, 1.5, -0.0, {}]}},
    ]
    given = copy.deepcopy(entries)
    run(lambda: store.append(KEY, entries))
    assert run(lambda: store.load(KEY)) == given == entries
    pipeline.settle()
    assert run(lambda: store.load(KEY)) == given


def test_entries_are_in_order_beyond_a_page(store: AfterturnSessionStore, pipeline: Any) -> None:
    entries = [entry(number, content=f"ok {number}") for number in range(2_500)]
    run(lambda: store.append(KEY, entries[:1_700]))
    pipeline.settle()
    run(lambda: store.append(KEY, entries[1_700:]))
    assert run(lambda: store.load(KEY)) == entries


def test_an_entry_that_is_sent_again_is_there_once(store: AfterturnSessionStore, settings: Settings) -> None:
    other = AfterturnSessionStore("ana", settings=settings)
    run(lambda: store.append(KEY, [entry(1), entry(2)]))
    run(lambda: store.append(KEY, [entry(2), entry(3)]))
    run(lambda: other.append(KEY, [entry(1), entry(3), entry(4)]))
    assert run(lambda: store.load(KEY)) == [entry(1), entry(2), entry(3), entry(4)]


def test_what_was_said_is_remembered(store: AfterturnSessionStore, pipeline: Any, settings: Settings) -> None:
    said = [
        entry(1, content="I live in Lisbon."),
        entry(2, "assistant", [{"type": "thinking", "thinking": "..."}, {"type": "text", "text": "Noted."}]),
        entry(3, content=[{"type": "tool_result", "tool_use_id": "t", "content": "I live in Rome."}]),
        entry(4, content="I live in Oslo.", isSidechain=True),
        entry(5, content="I live in Bonn.", isMeta=True),
    ]
    run(lambda: store.append(KEY, said))
    run(lambda: store.append({**KEY, "subpath": "subagents/agent-1"}, [entry(6, content="I live in Turin.")]))
    pipeline.settle()
    memory = MemoryClient("ana", settings=settings)
    assert [fact.text for fact in memory.facts()] == ["Ana lives in Lisbon."]
    assert memory.recall("Where does Ana live?")[0].evidence[0].quote == "I live in Lisbon."


def test_a_deleted_transcript_is_gone_with_what_was_learnt(
    store: AfterturnSessionStore, pipeline: Any, settings: Settings
) -> None:
    run(lambda: store.append(KEY, [entry(1, content="I live in Lisbon.")]))
    run(lambda: store.append({**KEY, "subpath": "subagents/agent-1"}, [entry(2)]))
    pipeline.settle()
    run(lambda: store.delete(KEY))
    for _ in range(2):
        assert run(lambda: store.load(KEY)) is None
        assert run(lambda: store.list_sessions(KEY["project_key"])) == []
        assert (
            run(lambda: store.list_subkeys({"project_key": KEY["project_key"], "session_id": KEY["session_id"]})) == []
        )
        pipeline.settle()
    assert MemoryClient("ana", settings=settings).facts() == []
    # The same transcript can be stored again.
    run(lambda: store.append(KEY, [entry(1, content="I live in Lisbon.")]))
    pipeline.settle()
    assert run(lambda: store.load(KEY)) == [entry(1, content="I live in Lisbon.")]


def test_it_works_on_loops_that_are_closed_afterwards(store: AfterturnSessionStore) -> None:
    for number in range(3):
        run(lambda number=number: store.append(KEY, [entry(number)]))
    assert len(run(lambda: store.load(KEY))) == 3


def test_nobody_reads_the_transcripts_of_another(store: AfterturnSessionStore, settings: Settings) -> None:
    run(lambda: store.append(KEY, [entry(1)]))
    for other in (
        AfterturnSessionStore("ben", settings=settings),
        AfterturnSessionStore("ana", tenant_id="acme", settings=settings),
    ):
        assert run(lambda other=other: other.load(KEY)) is None
        assert run(lambda other=other: other.list_sessions(KEY["project_key"])) == []
    with pytest.raises(InvalidId):
        AfterturnSessionStore("~session:x", settings=settings)


def test_names_of_any_length_and_kind(store: AfterturnSessionStore, pipeline: Any) -> None:
    sessions = ["a" * 190, "a" * 190 + "b", "with:colon", "with/slash", "ü", "::", "sub:agents"]
    for name in sessions:
        run(lambda name=name: store.append({"project_key": "p" * 200, "session_id": name}, [entry(1)]))
    long_subpath: SessionKey = {"project_key": "p" * 200, "session_id": "ü", "subpath": "x/" * 100}
    run(lambda: store.append(long_subpath, [entry(2)]))
    for _ in range(2):
        listed = run(lambda: store.list_sessions("p" * 200))
        assert sorted(one["session_id"] for one in listed) == sorted(sessions)
        assert run(lambda: store.list_subkeys({"project_key": "p" * 200, "session_id": "ü"})) == ["x/" * 100]
        pipeline.settle()
    assert run(lambda: store.list_sessions("p")) == []


def test_the_calls_of_the_sdk_that_read_a_store(store: AfterturnSessionStore, workers: Stack, tmp_path: Any) -> None:
    session_id = KEY["session_id"]
    key: SessionKey = {"project_key": project_key_for_directory(str(tmp_path)), "session_id": session_id}

    async def use() -> None:
        fields = {"sessionId": session_id, "cwd": str(tmp_path), "timestamp": "2026-01-05T10:00:00.000Z"}
        first = entry(1, content="I live in Lisbon.", parentUuid=None, **fields)
        second = entry(2, "assistant", [{"type": "text", "text": "Noted."}], parentUuid="uuid-1", **fields)
        await store.append(key, [first, second])
        [listed] = await list_sessions_from_store(store, directory=str(tmp_path))
        assert (listed.session_id, listed.summary) == (session_id, "I live in Lisbon.")
        messages = await get_session_messages_from_store(store, session_id, directory=str(tmp_path))
        assert [message.type for message in messages] == ["user", "assistant"]
        await delete_session_via_store(store, session_id, directory=str(tmp_path))
        assert await list_sessions_from_store(store, directory=str(tmp_path)) == []

    asyncio.run(use())
    assert ClaudeAgentOptions(session_store=store, continue_conversation=True).session_store is store


def test_the_time_of_an_entry_is_the_time_of_the_fact(
    store: AfterturnSessionStore, pipeline: Any, settings: Settings
) -> None:
    year = time.gmtime().tm_year
    run(lambda: store.append(KEY, [entry(1, content="I live in Lisbon.", timestamp="2024-03-01T08:00:00.000Z")]))
    run(lambda: store.append(KEY, [entry(2, content="I work as a cook.", timestamp="2999-01-01T00:00:00.000Z")]))
    pipeline.settle()
    years = {fact.text: fact.recorded_at.year for fact in MemoryClient("ana", settings=settings).facts()}
    turns = MemoryClient("ana", settings=settings).recall()
    assert years.keys() == {"Ana lives in Lisbon.", "Ana works as a cook."}
    newer, older = (turn.evidence[0].said_at.year for turn in turns)
    assert older == 2024 and year <= newer <= time.gmtime().tm_year
