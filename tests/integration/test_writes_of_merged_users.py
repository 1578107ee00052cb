"""Documents are not written under the id of a user that was merged: no second version of them begins."""

import threading

import pytest

from afterturn.client import plans
from afterturn.errors import MemoryUnavailable, UserMerged
from afterturn.forgetting import erasures
from afterturn.hot import keys
from afterturn.pipeline.stages import merge
from afterturn.scopes import UserScope
from afterturn.state import documents
from api_shim import MemoryClient
from api_shim.adapters.langgraph import AfterturnStore

ANON, ANA = UserScope("default", "anon-7"), UserScope("default", "ana")


@pytest.fixture
def merge_now(pipeline):
    return lambda: merge.merge_users(pipeline.runtime, ANON, ANA)


@pytest.fixture
def old(settings, hot_store):
    return MemoryClient("anon-7", "visit", settings=settings)


@pytest.fixture
def new(settings, hot_store):
    return MemoryClient("ana", "chat", settings=settings)


WRITES = {
    "put": lambda memory: memory.state.put("plan", {"city": "Rome"}),
    "put of a new document": lambda memory: memory.state.put("other", 1),
    "update": lambda memory: memory.state.update("plan", lambda plan: {"from": plan}),
    "delete": lambda memory: memory.state.delete("plan"),
    "get": lambda memory: memory.state.get("plan"),
    "step": lambda memory: memory.checkpoint("trip").step("find", lambda: 1),
    "lock": lambda memory: memory.lock("plan").acquire(),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_agent_state_under_the_old_id_is_refused(old, new, merge_now, pipeline, write):
    old.state.put("plan", {"city": "Porto"})
    merge_now()
    with pytest.raises(UserMerged):
        write(old)
    pipeline.settle()
    assert new.state.get("plan") == ({"city": "Porto"}, 1)
    assert new.state.update("plan", lambda plan: plan | {"nights": 3}) == ({"city": "Porto", "nights": 3}, 2)


def test_items_of_a_store_under_the_old_id_are_refused(settings, old, merge_now):
    store, other = AfterturnStore(user_id="anon-7", settings=settings), AfterturnStore(user_id="ana", settings=settings)
    store.put(("n",), "k", {"x": 1})
    old.write("user", "Hi.")
    merge_now()
    for write in (
        lambda: store.put(("n",), "k", {"x": 2}),
        lambda: store.put(("n",), "new", {"x": 2}, index=False),
        lambda: store.delete(("n",), "k"),
    ):
        with pytest.raises(UserMerged):
            write()
    assert store.search(()) == []
    assert [(item.key, item.value) for item in other.search(())] == [("k", {"x": 1})]


def test_a_version_that_was_pending_at_the_merge_is_the_targets(old, new, merge_now, settings, hot_store, monkeypatch):
    """It was acknowledged by Redis alone, while Postgres was away, after the merge had archived what was pending."""
    old.state.put("plan", {"city": "Porto"})
    archive_pending = merge._archive_pending
    calls = []

    def write_afterwards(runtime, source):
        archive_pending(runtime, source)
        calls.append(source)
        if len(calls) == 1:
            with monkeypatch.context() as patch:
                patch.setattr(plans.state, "read_rows", lambda *arguments: _away())
                assert old.state.put("plan", {"city": "Rome"}) == 2

    monkeypatch.setattr(merge, "_archive_pending", write_afterwards)
    merge_now()
    assert new.state.get("plan") == ({"city": "Rome"}, 2)
    assert hot_store.xlen(keys.pending(documents.stream_scope(ANON))) == 0


def _away():
    raise MemoryUnavailable("Postgres is away")
    yield


def test_a_put_during_the_merge_is_moved_or_refused(settings, old, merge_now):
    store, other = AfterturnStore(user_id="anon-7", settings=settings), AfterturnStore(user_id="ana", settings=settings)
    old.write("user", "Hi.")
    acknowledged, refused = [], threading.Event()

    def put_on():
        while True:
            try:
                store.put(("n",), f"k{len(acknowledged)}", {"x": 1}, index=False)
            except UserMerged:
                return refused.set()
            acknowledged.append(f"k{len(acknowledged)}")

    writer = threading.Thread(target=put_on)
    writer.start()
    merge_now()
    writer.join(20)
    assert refused.is_set()
    assert {item.key for item in other.search((), limit=100_000)} == set(acknowledged)


def test_after_the_old_id_is_forgotten_it_is_a_user_like_any_other(settings, old, new, merge_now, pipeline):
    old.state.put("plan", 1)
    merge_now()
    erasures.forget(pipeline.runtime, ANON)
    assert old.state.put("plan", 2) == 1
    AfterturnStore(user_id="anon-7", settings=settings).put(("n",), "k", {"x": 1})
    assert new.state.get("plan") == (1, 1)
