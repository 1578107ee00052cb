"""memory.state: versioned documents that come back as they went in, of one user, session or agent."""

import asyncio
import json
import math

import pytest

from afterturn import AsyncMemoryClient, MemoryClient, close_async_connections
from afterturn.errors import ConcurrencyError, InvalidInput
from afterturn.hot import keys
from afterturn.scopes import UserScope
from afterturn.state import documents

VALUES = [
    None,
    True,
    0,
    2.0,
    -0.5,
    1e300,
    10**400,
    -(2**63) - 1,
    "",
    "NUL \x00 and lone \ud800 surrogates \udfff",
    "Zürich 東京 😀",
    {"": {"b": 1, "a": [1, 2.0, None, {"\x00": "\ud83d"}]}},
    [[[[[]]]]],
    {"z": 1, "a": 2},
    "x" * 1_000_000,
    {"words": ["東京"] * 100_000},
]
KEYS = [
    "plan",
    "a/b:c d%20#?&=+",
    "..",
    ".",
    "#life",
    "~state",
    "東京 😀",
    "x" * 200,
    "'; DROP TABLE users; --",
    "{0}",
    "*",
]


@pytest.fixture
def memory(settings, hot_store):
    return MemoryClient("ana", "chat-1", "planner", settings=settings)


def empty_redis(hot_store):
    hot_store.flushall()


def exact(value):
    """Equal texts: 2 and 2.0, True and 1, and the order of keys differ."""
    return json.dumps(value)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
def test_a_value_comes_back_as_it_is_from_redis_and_from_postgres(memory, hot_store, value):
    assert memory.state.put("plan", value) == 1
    assert exact(memory.state.get("plan")) == exact((value, 1))
    empty_redis(hot_store)
    assert exact(memory.state.get("plan")) == exact((value, 1))


@pytest.mark.parametrize("key", KEYS)
def test_each_id_is_a_key(memory, hot_store, pipeline, key):
    memory.state.put(key, {"of": key})
    memory.state.put("other", 1)
    pipeline.settle()
    assert memory.state.get(key) == ({"of": key}, 1)
    empty_redis(hot_store)
    assert memory.state.get(key) == ({"of": key}, 1)
    assert [entry.key for entry in memory.state.list()] == sorted([key, "other"])


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        [math.inf],
        {"a": -math.inf},
        {1: "a"},
        {"a": {None: 1}},
        object(),
        b"bytes",
        {1, 2},
        "two in a row \ud83d\ude00",
        10**5000,
        "x" * (documents.LIMIT_BYTES + 1),
    ],
    ids=lambda value: repr(value)[:20] if not isinstance(value, int) else "int",
)
def test_a_value_that_json_does_not_keep_is_refused(memory, value):
    with pytest.raises(InvalidInput):
        memory.state.put("plan", value)
    assert memory.state.get("plan") == (None, 0)


def test_values_that_contain_themselves_or_are_very_deep_are_refused(memory):
    loop = []
    loop.append(loop)
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for value in (loop, deep):
        with pytest.raises(InvalidInput):
            memory.state.put("plan", value)


@pytest.mark.parametrize("key", ["", "x" * 201, "a\x00", "a\n", "\ud800", None, 7, b"plan"])
def test_a_key_that_is_no_id_is_refused(memory, key):
    for call in (
        lambda: memory.state.get(key),
        lambda: memory.state.put(key, 1),
        lambda: memory.state.update(key, lambda value: value),
        lambda: memory.state.delete(key),
    ):
        with pytest.raises(InvalidInput):
            call()


@pytest.mark.parametrize(
    "arguments",
    [
        {"expected": -1},
        {"expected": "1"},
        {"expected": True},
        {"expected": 1.0},
        {"ttl_seconds": 0},
        {"ttl_seconds": -1},
        {"ttl_seconds": math.nan},
        {"ttl_seconds": 1e12},
        {"ttl_seconds": "1"},
        {"fence": 0},
        {"fence": "1"},
        {"fence": True},
        {"scope": "tenant"},
        {"scope": "task"},
        {"scope": None},
    ],
)
def test_wrong_arguments_are_refused(memory, arguments):
    with pytest.raises(InvalidInput):
        memory.state.put("plan", 1, **arguments)
    assert memory.state.list() == []


def test_versions_and_expectations(memory):
    state = memory.state
    assert state.get("plan") == (None, 0)
    with pytest.raises(ConcurrencyError):
        state.put("plan", "a", expected=1)
    assert state.put("plan", "a", expected=0) == 1
    with pytest.raises(ConcurrencyError, match="version 1, not 0"):
        state.put("plan", "b", expected=0)
    assert state.put("plan", "b", expected=1) == 2
    assert state.put("plan", "c") == 3
    with pytest.raises(ConcurrencyError) as caught:
        state.put("plan", "d", expected=2)
    assert caught.value.code == "concurrency_error"
    assert state.get("plan") == ("c", 3)


def test_null_is_a_value(memory):
    assert memory.state.put("plan", None) == 1
    assert memory.state.get("plan") == (None, 1)
    assert memory.state.delete("plan") is True
    assert memory.state.get("plan") == (None, 0)


@pytest.mark.parametrize("is_emptied", [False, True])
def test_a_version_grows_through_a_deletion(memory, hot_store, is_emptied):
    memory.state.put("plan", "a")
    memory.state.put("plan", "b")
    with pytest.raises(ConcurrencyError):
        memory.state.delete("plan", expected=1)
    assert memory.state.delete("plan", expected=2) is True
    assert memory.state.delete("plan") is False
    if is_emptied:
        empty_redis(hot_store)
    assert memory.state.get("plan") == (None, 0)
    with pytest.raises(ConcurrencyError):
        memory.state.put("plan", "c", expected=2)
    assert memory.state.put("plan", "c", expected=0) == 4


def test_update(memory):
    assert memory.state.update("count", lambda value: (value or 0) + 1) == (1, 1)
    assert memory.state.update("count", lambda value: value + 1) == (2, 2)

    def interfere(value):
        memory.state.put("count", value + 10)
        return value + 1

    with pytest.raises(ConcurrencyError):
        memory.state.update("count", interfere, attempts=3)
    assert memory.state.get("count") == (32, 5)
    with pytest.raises(ZeroDivisionError):
        memory.state.update("count", lambda value: value / 0)
    assert memory.state.get("count") == (32, 5)
    for attempts in (0, -1, True, "3"):
        with pytest.raises(InvalidInput):
            memory.state.update("count", lambda value: value, attempts=attempts)


def test_scopes_users_and_tenants_are_apart(settings, hot_store):
    clients = {
        (user, session, agent, tenant): MemoryClient(user, session, agent, tenant_id=tenant, settings=settings)
        for user in ("ana", "ben")
        for session in ("one", "two")
        for agent in ("x", "y")
        for tenant in ("default", "other")
    }
    for (user, session, agent, tenant), client in clients.items():
        client.state.put("k", [tenant, user])
        client.state.put("k", [tenant, user, session], scope="session")
        client.state.put("k", [tenant, user, agent], scope="agent")
    for _ in range(2):
        for (user, session, agent, tenant), client in clients.items():
            assert client.state.get("k") == ([tenant, user], 4)
            assert client.state.get("k", scope="session") == ([tenant, user, session], 2)
            assert client.state.get("k", scope="agent") == ([tenant, user, agent], 2)
            for scope in ("user", "session", "agent"):
                assert [entry.key for entry in client.state.list(scope=scope)] == ["k"]
        empty_redis(hot_store)
    with pytest.raises(InvalidInput, match="agent_id"):
        MemoryClient("ana", settings=settings).state.get("k", scope="agent")


@pytest.mark.parametrize("is_emptied", [False, True])
def test_a_document_expires(memory, hot_store, is_emptied):
    memory.state.put("plan", "a")
    memory.state.put("plan", "b", ttl_seconds=0.3)
    memory.state.put("kept", "c", ttl_seconds=300)
    if is_emptied:
        empty_redis(hot_store)
    assert memory.state.get("plan") == ("b", 2)
    asyncio.run(asyncio.sleep(0.4))
    assert memory.state.get("plan") == (None, 0)
    assert memory.state.get("kept") == ("c", 1)
    assert [entry.key for entry in memory.state.list()] == ["kept"]
    assert memory.state.list()[0].expires_at is not None
    assert memory.state.put("plan", "d", expected=0) == 3
    asyncio.run(asyncio.sleep(0.4))
    assert memory.state.get("plan") == ("d", 3)


def test_lists_have_pages(memory, hot_store, pipeline):
    names = [f"a{number:03}" for number in range(25)] + ["B", "z", "ä", "😀"]
    for name in names:
        memory.state.put(name, 1)
    pipeline.settle()
    empty_redis(hot_store)
    for name in ("a003", "z"):
        memory.state.delete(name)
    memory.state.put("a0035", 2)
    wanted = sorted({*names, "a0035"} - {"a003", "z"})
    for limit in (1, 7, 26, 1_000):
        found, cursor = [], None
        while page := memory.state.list(limit=limit, cursor=cursor):
            assert len(page) <= limit
            found += [entry.key for entry in page]
            cursor = page[-1].cursor
        assert found == wanted
    assert [entry.key for entry in memory.state.list(prefix="a00")] == [name for name in wanted if name[:3] == "a00"]
    with pytest.raises(InvalidInput, match="cursor"):
        memory.state.list(prefix="a", cursor=memory.state.list(limit=1)[0].cursor)
    [entry] = memory.state.list(prefix="a0035")
    assert (entry.version, entry.expires_at) == (1, None)


def test_both_clients(settings, hot_store):
    sync = MemoryClient("ana", settings=settings)

    async def calls():
        memory = AsyncMemoryClient("ana", settings=settings)
        assert await memory.state.put("plan", {"a": 1}) == 1

        async def change(value):
            await asyncio.sleep(0)
            return value | {"b": 2}

        assert await memory.state.update("plan", change) == ({"a": 1, "b": 2}, 2)
        assert await memory.state.update("plan", lambda value: value | {"c": 3}) == ({"a": 1, "b": 2, "c": 3}, 3)
        assert await memory.state.get("plan") == await memory.state.get("plan")
        with pytest.raises(ConcurrencyError):
            await memory.state.delete("plan", expected=1)
        assert [entry.key for entry in await memory.state.list()] == ["plan"]
        assert await memory.state.delete("plan") is True
        async with memory.lock("plan") as lock:
            await memory.state.put("plan", "locked", fence=lock)
        assert await memory.checkpoint("task").step("one", change_nothing) == 7
        await close_async_connections()

    async def change_nothing():
        return 7

    asyncio.run(calls())
    assert sync.state.get("plan") == ("locked", 5)
    assert sync.checkpoint("task").step("one", lambda: 8) == 7


def test_a_put_that_is_repeated_after_a_lost_answer_has_one_effect(memory, hot_store):
    """The client library sends the same call again. In between, another put may have come."""
    from afterturn.client.effects import RunScript

    memory.state.put("count", 1)
    from afterturn.client import plans

    plan = plans.state.put(memory._session, documents.DocumentName("user", "", "count"), "2", expected=1)
    driver = memory._driver
    call = next(plan)
    assert isinstance(call, RunScript)
    first = driver._execute(call)
    memory.state.put("count", 3)
    assert driver._execute(call) == first
    assert memory.state.get("count") == (3, 3)


def test_what_redis_keeps_is_bounded(memory, hot_store, pipeline, monkeypatch):
    monkeypatch.setattr(documents, "HOT_BYTES", 10_000)
    for number in range(50):
        memory.state.put(f"k{number}", "x" * 1_000)
    pipeline.settle()
    memory.state.put("last", "x" * 1_000)
    ana = UserScope("default", "ana")
    pipeline.settle()
    assert hot_store.hlen(keys.documents(ana)) < 12
    texts = [len(text) for text in hot_store.hvals(keys.documents(ana))]
    assert int(hot_store.hget(keys.state(ana), "#bytes")) == sum(texts)
    assert all(memory.state.get(f"k{number}") == ("x" * 1_000, 1) for number in range(50))
    assert 0 < hot_store.ttl(keys.state(ana)) <= 86_400
    assert 0 < hot_store.ttl(keys.documents(ana)) <= 86_400


def test_only_the_last_version_of_a_document_waits_to_be_archived(memory, hot_store, pipeline, database):
    for number in range(200):
        memory.state.put("plan", "x" * 10_000 + str(number))
    stream = keys.pending(documents.stream_scope(UserScope("default", "ana")))
    shard = keys.shard_of("default", "ana")
    assert hot_store.xlen(stream) == 1
    assert int(hot_store.get(keys.pending_bytes(shard))) < 12_000
    pipeline.settle()
    assert hot_store.exists(stream) == 0
    assert int(hot_store.get(keys.pending_bytes(shard))) == 0
    assert database.execute("SELECT version, right(document, 4) FROM agent_states").fetchall() == [(200, '199"')]


def test_states_are_no_session_and_no_turn(memory, pipeline):
    memory.state.put("plan", "I live in Porto.")
    assert memory.sessions() == []
    pipeline.settle()
    assert memory.sessions() == []
    assert memory.facts() == [] and memory.recall("Porto") == [] and memory.history() == []
