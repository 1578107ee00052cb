"""A turn id is used once. The same turn again has no effect; other content with the same id is refused."""

import asyncio

import pytest
from fastapi.testclient import TestClient

from afterturn.client.session import write_arguments
from afterturn.errors import InvalidInput, PendingLimitReached, TurnIdUsed
from afterturn.hot import keys
from afterturn.pipeline.stages import archive
from afterturn.scopes import SessionScope
from api_shim import AsyncMemoryClient, MemoryClient, close_async_connections
from api_shim.http.app import create_app

SESSION = SessionScope("default", "ana", "chat")


def shown(memory):
    return [(turn.turn_id, turn.content) for turn in memory.history()]


def archived(database):
    return database.execute("SELECT turn_id, content FROM turns ORDER BY position").fetchall()


def test_the_same_turn_again_has_no_effect_while_it_is_pending(memory, hot_store):
    for _ in range(3):
        assert memory.write("user", "First.", name="Ana", metadata={"b": 1, "a": 2}, turn_id="t-1") == "t-1"
    assert memory.write("user", "First.", name="Ana", metadata={"a": 2, "b": 1}, turn_id="t-1") == "t-1"
    assert hot_store.xlen(keys.pending(SESSION)) == 1
    size = hot_store.strlen(keys.pending_bytes(keys.shard_of("default", "ana")))
    assert size and memory.write_many([{"role": "user", "content": "x", "turn_id": "t-2"}] * 3) == ["t-2"] * 3
    assert [turn_id for turn_id, _ in shown(memory)] == ["t-1", "t-2"]


@pytest.mark.parametrize("is_archived", [False, True])
@pytest.mark.parametrize(
    "other",
    [{"content": "Other."}, {"role": "assistant"}, {"name": "Ben"}, {"metadata": {"a": 1}}],
)
def test_other_content_with_the_id_of_a_turn_is_refused(memory, pipeline, database, is_archived, other):
    memory.write("user", "First.", turn_id="t-1")
    if is_archived:
        pipeline.settle()
    with pytest.raises(TurnIdUsed, match="t-1") as refused:
        memory.write(**{"role": "user", "content": "First.", "turn_id": "t-1"} | other)
    assert isinstance(refused.value, InvalidInput) and refused.value.code == "turn_id_used"
    assert memory.write("user", "First.", turn_id="t-1") == "t-1"
    pipeline.settle()
    assert shown(memory) == archived(database) == [("t-1", "First.")]


def test_a_refused_id_refuses_the_whole_call_and_uses_up_no_other_id(memory, hot_store):
    memory.write("user", "First.", turn_id="t-1")
    new = {"role": "user", "content": "New.", "turn_id": "t-2"}
    with pytest.raises(TurnIdUsed):
        memory.write_many([new, {"role": "user", "content": "Other.", "turn_id": "t-1"}])
    with pytest.raises(TurnIdUsed):
        memory.write_many([new, new | {"content": "Newer."}])
    assert hot_store.hkeys(keys.known_ids(SESSION)) == [b"t-1"]
    memory.write("user", "Anything.", turn_id="t-2")
    assert [turn_id for turn_id, _ in shown(memory)] == ["t-1", "t-2"]


def test_an_id_belongs_to_its_session(memory, settings, hot_store):
    memory.write("user", "First.", turn_id="t-1")
    MemoryClient("ana", "other", settings=settings).write("user", "Second.", turn_id="t-1")
    MemoryClient("ben", "chat", settings=settings).write("user", "Third.", turn_id="t-1")
    assert shown(memory) == [("t-1", "First.")]


def test_an_id_that_write_made_belongs_to_its_turn_as_well(memory, pipeline, database):
    """Until it is archived, nothing remembers it, so that a write costs no more: then the first turn stays."""
    turn_id = memory.write("user", "First.")
    assert memory.write("user", "First.", turn_id=turn_id) == turn_id
    pipeline.settle()
    other = memory.write("user", "Second.")
    pipeline.settle()
    assert memory.write("user", "First.", turn_id=turn_id) == turn_id
    for written, content in ((turn_id, "Other."), (other, "First.")):
        with pytest.raises(TurnIdUsed):
            memory.write("user", content, turn_id=written)
    assert shown(memory) == archived(database) == [(turn_id, "First."), (other, "Second.")]


def test_of_two_pending_turns_with_one_id_the_first_stays(memory, pipeline, database, caplog):
    turn_id = memory.write("user", "First.")
    memory.write("user", "Other.", turn_id=turn_id)
    assert shown(memory) == [(turn_id, "First.")]
    pipeline.settle()
    assert shown(memory) == archived(database) == [(turn_id, "First.")]
    assert "other content" in caplog.text and "Other." not in caplog.text


def test_asyncio_and_http_answer_alike(settings, hot_store):
    async def write(content):
        try:
            return await AsyncMemoryClient("ana", "chat", settings=settings).write("user", content, turn_id="t-1")
        finally:
            await close_async_connections()

    assert asyncio.run(write("First.")) == "t-1"
    with pytest.raises(TurnIdUsed):
        asyncio.run(write("Other."))
    with TestClient(create_app(settings)) as client:
        for content, status in (("First.", 201), ("Other.", 409)):
            turn = {"role": "user", "content": content, "turn_id": "t-1"}
            answer = client.post("/v1/users/ana/sessions/chat/turns", json={"turns": [turn]})
            assert answer.status_code == status
        assert answer.json()["code"] == "turn_id_used"
        assert "Other." not in answer.text


def with_old_turns(settings, pipeline):
    """Return a client of a session that has 12 archived turns, of which Redis keeps the last three."""
    few = type(settings)(**settings.model_dump(exclude_unset=True) | {"recent_turns": 3})
    pipeline.runtime.__dict__["settings"] = few
    memory = MemoryClient("ana", "chat", settings=few)
    for number in range(12):
        memory.write("user", f"Turn {number}.", turn_id=f"t-{number}")
        archive.archive(pipeline.runtime.redis, pipeline.runtime.postgres, few, [SESSION])
    return memory


@pytest.mark.parametrize("content", ["Turn 1.", "Something else."])
def test_an_old_turn_that_is_written_again_stays_where_and_as_it_was(
    settings, pipeline, database, hot_store, caplog, content
):
    memory = with_old_turns(settings, pipeline)
    before = shown(memory)
    assert hot_store.hlen(keys.known_ids(SESSION)) == 3

    memory.write("user", content, turn_id="t-1")
    for is_archived in (False, True):
        if is_archived:
            archive.archive(pipeline.runtime.redis, pipeline.runtime.postgres, memory._session.settings, [SESSION])
        assert shown(memory) == before == archived(database)
        assert [turn.turn_id for turn in memory.history(2)] == ["t-10", "t-11"]
        assert [found.memory_id for found in memory.recall(limit=2)] == ["t-11", "t-10"]
        texts = [message["content"] for message in memory.context(None, 2_000).messages]
        assert texts[-1] == "Turn 11." and "Something else." not in texts
        assert "Something else." not in {found.text for found in memory.recall("something else", 20)}
    assert hot_store.xlen(keys.pending(SESSION)) == 0
    assert ("other content" in caplog.text) == (content != "Turn 1.")
    assert "Something else." not in caplog.text

    assert memory.pop().turn_id == "t-11"
    # The content that is stored is the one that may be repeated.
    memory.write("user", "Turn 1.", turn_id="t-1")
    assert [turn_id for turn_id, _ in shown(memory)] == [f"t-{number}" for number in range(11)]


def test_an_entry_that_is_archived_twice_stays_recent(memory, settings, pipeline, hot_store):
    """A process dies after its commit: the entry is archived again, and is not taken for a repeated id."""
    memory.write("user", "First.", turn_id="t-1")
    entries = hot_store.xrange(keys.pending(SESSION))
    archive.archive(pipeline.runtime.redis, pipeline.runtime.postgres, settings, [SESSION])
    [(stream_id, fields)] = entries
    hot_store.delete(keys.recent(SESSION), keys.known_ids(SESSION))
    hot_store.xadd(keys.pending(SESSION), fields, id=stream_id)
    assert shown(memory) == [("t-1", "First.")]
    archive.archive(pipeline.runtime.redis, pipeline.runtime.postgres, settings, [SESSION])
    assert hot_store.llen(keys.recent(SESSION)) == 1
    assert shown(memory) == [("t-1", "First.")]


def test_a_turn_that_was_taken_back_stays_taken_back(memory, pipeline, database):
    memory.write("user", "First.", turn_id="t-1")
    memory.remove("t-1")
    memory.write("user", "First.", turn_id="t-1")
    assert shown(memory) == []
    pipeline.settle()
    memory.write("user", "First.", turn_id="t-1")
    assert shown(memory) == []
    pipeline.settle()
    assert shown(memory) == []


def test_a_call_that_is_repeated_because_its_reply_was_late_needs_no_room(settings, hot_store):
    small = type(settings)(**settings.model_dump(exclude_unset=True) | {"pending_limit_bytes_per_shard": 65_536})
    memory = MemoryClient("ana", "chat", settings=small)
    entries = memory._session.make_entries([{"role": "user", "content": "x" * 2_000} for _ in range(20)])
    for _ in range(3):
        memory._driver.send(memory._session.write_call, write_arguments(entries))
    assert hot_store.xlen(keys.pending(SESSION)) == 20
    with pytest.raises(PendingLimitReached):
        memory.write_many([{"role": "user", "content": "x" * 2_000} for _ in range(20)])
    assert hot_store.xlen(keys.pending(SESSION)) == 20


def test_a_repetition_needs_no_room(settings, hot_store):
    """The first attempt filled the last room, its reply was lost, and the caller repeats it."""
    small = type(settings)(**settings.model_dump(exclude_unset=True) | {"pending_limit_bytes_per_shard": 65_536})
    memory = MemoryClient("ana", "chat", settings=small)
    turns = [{"role": "user", "content": "x" * 2_000, "turn_id": f"t-{number}"} for number in range(30)]
    memory.write_many(turns)
    pending_bytes = hot_store.get(keys.pending_bytes(keys.shard_of("default", "ana")))
    for _ in range(2):
        assert memory.write_many(turns) == [turn["turn_id"] for turn in turns]
    assert memory.write_many([turns[0], {"role": "user", "content": "small", "turn_id": "t-30"}]) == ["t-0", "t-30"]
    with pytest.raises(PendingLimitReached):
        memory.write_many([turns[0], {"role": "user", "content": "x" * 8_000, "turn_id": "t-31"}])
    assert hot_store.xlen(keys.pending(SESSION)) == 31
    assert not hot_store.hexists(keys.known_ids(SESSION), "t-31")
    assert int(hot_store.get(keys.pending_bytes(keys.shard_of("default", "ana")))) < int(pending_bytes) + 300


def test_known_ids_take_a_bounded_memory_and_are_forgotten_with_the_user(settings, pipeline, hot_store, command):
    memory = with_old_turns(settings, pipeline)
    memory.flush()
    memory.write("user", "Pending.", turn_id="t-12")
    archive.archive(pipeline.runtime.redis, pipeline.runtime.postgres, memory._session.settings, [SESSION])
    assert sorted(hot_store.hkeys(keys.known_ids(SESSION))) == [b"t-10", b"t-11", b"t-12"]
    assert hot_store.ttl(keys.known_ids(SESSION)) > 0
    memory.write("user", "Pending.", turn_id="t-13")
    command("forget", "ana", "--yes")
    pipeline.settle()
    assert not hot_store.exists(keys.known_ids(SESSION))


def test_an_import_counts_lines_whose_ids_have_other_content(memory, pipeline, command, write_file):
    memory.write("user", "Archived.", turn_id="t-1")
    pipeline.settle()
    memory.write("user", "Pending.", turn_id="t-2")
    line = {"user": "ana", "session": "chat", "role": "user", "at": "2024-05-01T10:00:00Z"}
    same = [line | {"id": "t-1", "content": "Archived."}, line | {"id": "t-2", "content": "Pending."}]
    other = [line | {"id": "t-1", "content": "Other."}, line | {"id": "t-2", "content": "Another."}]
    result = command("import", write_file(*same, line | {"id": "t-3", "content": "New."}))
    assert "2 turns written, 1 already existed" in result.out
    refused = command("import", write_file(*other, name="other.jsonl"))
    assert (refused.code, "Other." in refused.error) == (2, False)
    assert "2 not written" in refused.error
    pipeline.settle()
    assert sorted(shown(memory)) == [("t-1", "Archived."), ("t-2", "Pending."), ("t-3", "New.")]
