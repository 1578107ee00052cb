"""Removing a turn: it is hidden at once, wherever it is."""

import asyncio

import pytest

from afterturn.errors import InvalidId
from afterturn.hot import keys
from api_shim import AsyncMemoryClient, MemoryClient, close_async_connections
from tests.conftest import undocumented_keys
from tests.fundamentals.taken_back import CANARY, SESSION, kept, seen


def test_a_pending_turn_is_hidden_in_one_round_trip(memory, hot_store):
    memory.write("user", "I live in Porto.")
    turn_id = memory.write("user", f"I live in {CANARY}.")
    memory.remove("nobody-knows-it")  # the first call teaches Redis the script
    before = hot_store.info("commandstats")["cmdstat_evalsha"]["calls"]
    memory.remove(turn_id)
    assert hot_store.info("commandstats")["cmdstat_evalsha"]["calls"] == before + 1
    assert [turn.content for turn in memory.history()] == ["I live in Porto."]
    assert CANARY not in seen(memory)


def test_an_archived_turn_is_hidden_before_its_removal_is_archived(settings, pipeline, memory, database, hot_store):
    turn_id = memory.write("user", f"I live in {CANARY}.", name="Ana")
    memory.write("user", "I work at Acme.", name="Ana")
    pipeline.settle()
    assert CANARY in seen(memory)
    memory.remove(turn_id)
    # It is a recent turn in Redis, and a turn and a fact's evidence in Postgres; other sessions could show it too.
    assert CANARY not in seen(memory)
    elsewhere = MemoryClient("ana", "another chat", settings=settings)
    assert CANARY not in seen(elsewhere)
    assert [turn.content for turn in memory.history()] == ["I work at Acme."]
    hot_store.delete(keys.recent(SESSION))
    assert CANARY not in seen(memory)
    assert [turn.content for turn in memory.history(1)] == ["I work at Acme."]
    pipeline.settle()
    assert CANARY not in seen(memory) + seen(elsewhere) + kept(database, hot_store)
    assert "Acme" in seen(memory)
    assert not hot_store.exists(keys.hidden(SESSION.user))


def test_it_is_no_longer_recent_once_its_removal_is_archived(pipeline, memory, hot_store):
    ids = [memory.write("user", f"turn {number}", turn_id=f'{number}"\\\N{SNOWMAN}') for number in range(5)]
    pipeline.settle()
    memory.remove(ids[2])
    pipeline.settle()
    assert hot_store.llen(keys.recent(SESSION)) == 4
    assert [turn.turn_id for turn in memory.history()] == [*ids[:2], *ids[3:]]


def test_writing_it_again_does_not_bring_it_back(pipeline, memory, database, hot_store):
    for rounds in range(3):
        memory.write("user", f"I live in {CANARY}.", turn_id="t-1")
        if rounds == 0:
            memory.remove("t-1")
            memory.write("user", f"I live in {CANARY}.", turn_id="t-1")
            assert memory.history() == []
        pipeline.settle()
        assert CANARY not in seen(memory) + kept(database, hot_store)
    assert database.execute("SELECT count(*) FROM turns").fetchone() == (1,)


def test_removing_an_unknown_or_removed_turn_is_no_error(pipeline, memory, database):
    turn_id = memory.write("user", "I live in Porto.")
    memory.remove("nobody-knows-it")
    memory.write("user", "A turn whose id was named too early.", turn_id="t-1")
    pipeline.settle()
    memory.remove(turn_id)
    pipeline.settle()

    def everything():
        return [database.execute(f"SELECT * FROM {name} ORDER BY 1, 2, 3").fetchall() for name in ("users", "turns")]

    before = everything()
    memory.remove(turn_id)
    memory.remove("nobody-knows-it")
    pipeline.settle()
    assert everything() == before
    assert [turn.content for turn in memory.history()] == ["A turn whose id was named too early."]


def test_a_removal_affects_only_turns_before_it(pipeline, memory):
    memory.remove("t-1")
    memory.write("user", "later", turn_id="t-1")
    pipeline.settle()
    assert [turn.content for turn in memory.history()] == ["later"]


@pytest.mark.parametrize("bad", ["", "a\x00b", "x" * 201, None, 7])
def test_an_invalid_turn_id_is_refused(memory, hot_store, bad):
    with pytest.raises(InvalidId, match="turn_id"):
        memory.remove(bad)
    assert hot_store.dbsize() == 0


def test_pop_removes_the_newest_turn(pipeline, memory):
    ids = [memory.write("user", f"turn {number}") for number in range(4)]
    assert memory.pop().turn_id == ids[3]
    pipeline.settle()
    assert memory.pop().content == "turn 2"
    memory.write("user", "turn 4")
    assert memory.pop().content == "turn 4"
    assert memory.pop().content == "turn 1"
    pipeline.settle()
    assert memory.pop().turn_id == ids[0]
    assert memory.pop() is None


def test_marks_in_the_stream_hide_no_other_turns(memory):
    ids = [memory.write("user", f"turn {number}") for number in range(100)]
    for _ in range(60):
        memory.pop()
        memory.flush()
    assert [turn.turn_id for turn in memory.history(5)] == ids[35:40]


def test_the_async_client_does_the_same(settings, pipeline, memory, hot_store):
    async def talk():
        ours = AsyncMemoryClient("ana", "chat", settings=settings)
        first = await ours.write("user", "I live in Porto.")
        await ours.write("user", f"I live in {CANARY}.")
        popped = await ours.pop()
        await ours.remove(first)
        left = await ours.history(), await ours.recall(), await ours.recall("Porto"), await ours.pop()
        await close_async_connections()
        return popped, left

    popped, left = asyncio.run(talk())
    assert popped.content == f"I live in {CANARY}."
    assert left == ([], [], [], None)
    pipeline.settle()
    assert memory.history() == memory.recall() == []
    assert undocumented_keys(hot_store) == []
