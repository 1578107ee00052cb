"""pop_item and clear_session: what goes, what stays, and who gets it."""

import asyncio
import threading

import pytest

from afterturn import MemoryClient
from afterturn.client.driver import Driver
from afterturn.forgetting import erasures
from afterturn.forgetting.export import export_records
from afterturn.forgetting.stores import list_user_stores
from afterturn.hot import keys, scripts
from afterturn.pipeline.stages import archive
from tests.integration.openai_agents.conftest import SCOPE, message, run


@pytest.fixture
def memory(settings):
    return MemoryClient("ana", "chat", settings=settings)


def texts(memory):
    return sorted(fact.text for fact in memory.facts())


def named(role, text):
    return {"role": role, "content": text, "name": "Ana"}


def is_mark(call):
    return call._first[1] == scripts.MARK_ITEMS.sha


def test_two_at_once_get_different_items(session, move):
    items = [message("user", str(number)) for number in range(40)]
    run(session.add_items(items))
    move()
    popped = []

    def pop() -> None:
        for _ in range(4):
            popped.append(run(session.pop_item()))

    threads = [threading.Thread(target=pop) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(int(item["content"]) for item in popped) == list(range(8, 40))
    assert run(session.get_items()) == items[:8]
    move()
    assert run(session.get_items()) == items[:8]


def test_more_pops_than_items(session):
    run(session.add_items([message("user", "only")]))

    async def pop():
        return await asyncio.gather(*(session.pop_item() for _ in range(10)))

    popped = run(pop())
    assert [item for item in popped if item is not None] == [message("user", "only")]
    assert len(popped) == 10


def test_an_archived_pop_is_not_taken_again_by_who_read_before(session, pipeline, hot_store, monkeypatch):
    """A process pauses between reading the newest item and taking it, and meanwhile another takes it."""
    run(session.add_items([message("user", "first"), message("user", "second")]))
    pipeline.settle()
    run_script, paused = Driver._run_script, []

    def pause_once(driver, call, arguments):
        if is_mark(call) and not paused:
            paused.append(True)
            assert run(session.pop_item()) == message("user", "second")
            pipeline.settle()
        return run_script(driver, call, arguments)

    monkeypatch.setattr(Driver, "_run_script", pause_once)
    assert run(session.pop_item()) == message("user", "first")
    assert paused and run(session.get_items()) == []


def test_a_lost_reply_of_a_pop_takes_one_item(session, settings, hot_store):
    run(session.add_items([message("user", "first"), message("user", "second")]))
    run_script = Driver._run_script

    def twice(driver, call, arguments):
        answer = run_script(driver, call, arguments)
        return run_script(driver, call, arguments) if is_mark(call) else answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Driver, "_run_script", twice)
        assert run(session.pop_item()) == message("user", "second")
        assert run(session.get_items()) == [message("user", "first")]
        run(session.clear_session())
    run(session.add_items([message("user", "new")]))
    assert run(session.get_items()) == [message("user", "new")]


def test_a_pop_retracts_what_the_item_taught(session, pipeline, memory):
    run(session.add_items([named("user", "I live in Porto."), message("assistant", "Nice.")]))
    pipeline.settle()
    assert texts(memory) == ["Ana lives in Porto."]
    run(session.pop_item())
    assert run(session.pop_item()) == named("user", "I live in Porto.")
    pipeline.settle()
    assert texts(memory) == []
    assert run(session.get_items()) == [] == memory.history()


def test_an_equal_item_after_a_pop_is_a_new_one(session, move, pipeline, memory):
    """The Runner takes items back and adds equal ones when it tries again."""
    item = named("user", "I live in Porto.")
    run(session.add_items([item]))
    move()
    assert run(session.pop_item()) == item
    run(session.add_items([item, item]))
    assert run(session.get_items()) == [item, item]
    move()
    assert run(session.get_items()) == [item, item]
    pipeline.settle()
    assert texts(memory) == ["Ana lives in Porto."]


def test_a_clear_hides_the_history_and_keeps_the_facts(session, move, pipeline, memory, hot_store):
    run(session.add_items([named("user", "I live in Porto."), message("assistant", "Nice.")]))
    move()
    run(session.clear_session())
    assert run(session.get_items()) == [] == memory.history()
    assert memory.context(None, 500).parts[-1].shown == 0
    assert run(session.pop_item()) is None
    run(session.add_items([message("user", "Hello again.")]))
    for _ in range(2):
        assert run(session.get_items()) == [message("user", "Hello again.")]
        assert [turn.content for turn in memory.history()] == ["Hello again."]
        assert run(session.get_items(5)) == [message("user", "Hello again.")]
        move()
    pipeline.settle()
    hot_store.delete(keys.recent(SCOPE), keys.items(SCOPE))
    assert run(session.get_items()) == [message("user", "Hello again.")]
    assert [turn.content for turn in memory.history()] == ["Hello again."]
    assert texts(memory) == ["Ana lives in Porto."]
    # Recall still finds what was said.
    assert "I live in Porto." in [found.text for found in memory.recall("Where do I live?", kinds=["turn"])]
    run(session.clear_session())
    run(session.clear_session())
    assert run(session.get_items()) == []


def test_clears_among_turns_are_archived_in_order(session, pipeline, hot_store, memory):
    for number in range(5):
        run(session.add_items([message("user", f"{number}a"), message("user", f"{number}b")]))
        run(session.clear_session())
        run(session.add_items([message("user", f"{number}c")]))
    assert run(session.get_items()) == [message("user", "4c")]
    pipeline.settle()
    hot_store.delete(keys.recent(SCOPE), keys.items(SCOPE))
    assert run(session.get_items()) == [message("user", "4c")]
    assert [turn.content for turn in memory.history()] == ["4c"]


def test_a_clear_that_is_archived_twice_hides_nothing_more(session, pipeline, hot_store):
    """The worker dies between the commit and Redis: the entries are archived again, without effect."""
    run(session.clear_session())
    run(session.add_items([message("user", "kept")]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive, "_remove", lambda *arguments: None)
        archive.archive(pipeline.runtime.redis, pipeline.runtime.postgres, pipeline.settings, [SCOPE])
    assert run(session.get_items()) == [message("user", "kept")]
    run(session.add_items([message("user", "too")]))
    pipeline.settle()
    hot_store.delete(keys.recent(SCOPE), keys.items(SCOPE))
    assert run(session.get_items()) == [message("user", "kept"), message("user", "too")]


def test_pages_of_history_end_at_the_clear(session, move, memory):
    first = [memory.write("user", f"old {number}") for number in range(3)]
    move()
    run(session.clear_session())
    ids = [memory.write("user", f"new {number}") for number in range(3)]
    move()
    assert [turn.content for turn in memory.history(10, before=ids[2])] == ["new 0", "new 1"]
    assert memory.history(10, before=ids[0]) == []
    assert len(first) == 3


def test_a_clear_that_forgets(make_session, move, pipeline, memory, database):
    session = make_session(clear_forgets=True)
    run(session.add_items([named("user", "I live in Porto."), message("assistant", "Nice.")]))
    run(make_session().clear_session())  # what was only hidden goes, too
    run(session.add_items([named("user", "I work at Acme.")]))
    move()
    run(session.clear_session())
    assert run(session.get_items()) == [] == memory.history()
    pipeline.settle()
    assert texts(memory) == [] == memory.recall("Where do I live?")
    run(session.add_items([message("user", "Hello.")]))
    assert run(session.get_items()) == [message("user", "Hello.")]


def test_a_clear_takes_one_round_trip_however_long_the_session_is(session, pipeline, hot_store):
    run(session.add_items([message("user", str(number)) for number in range(2_000)]))
    run(session.clear_session())
    before = hot_store.info("commandstats")["cmdstat_evalsha"]["calls"]
    run(session.clear_session())
    assert hot_store.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 1
    pipeline.settle()
    assert run(session.get_items()) == []


def test_items_and_clears_are_exported_and_forgotten(session, settings, pipeline, hot_store, database):
    canary = "canary-4711"
    run(session.add_items([named("user", f"I live in {canary}."), {"type": "reasoning", "note": canary}]))
    pipeline.settle()
    run(session.clear_session())
    pipeline.settle()
    run(session.add_items([message("user", canary)]))
    run(session.pop_item())
    records = list(export_records(list_user_stores(settings, hot_store), SCOPE.user))
    kinds = {record.kind for record in records}
    assert {"session_clears", "turns", "redis.items", "redis.pending"} <= kinds
    assert any('{"type":"reasoning","note":"canary-4711"}' in str(record.values) for record in records)
    erasures.forget(pipeline.runtime, SCOPE.user)
    assert run(session.get_items()) == []
    assert canary not in str(hot_store.hgetall(keys.items(SCOPE)))
    for table in ("turns", "session_clears"):
        assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
