"""Archiving: every turn becomes one row with its position, and only then is it removed from Redis."""

import random

import psycopg
import pytest

from afterturn import turns
from afterturn.hot import keys, pending
from afterturn.pipeline.stages.sweep import SESSIONS_PER_ARCHIVE
from afterturn.scopes import SessionScope
from api_shim import MemoryClient

SESSION = SessionScope("default", "ana", "chat")


def rows(database, session_id="chat"):
    return database.execute(
        "SELECT position, turn_id, content FROM turns WHERE session_id = %s ORDER BY position", (session_id,)
    ).fetchall()


def test_turns_get_positions_in_order(settings, pipeline, database):
    memory = MemoryClient("ana", "chat", settings=settings)
    ids = [memory.write("user", f"turn {number}") for number in range(25)]
    pipeline.settle()
    assert [(position, turn_id) for position, turn_id, _ in rows(database)] == list(enumerate(ids, 1))


def test_archived_turns_leave_the_stream_and_stay_recent(settings, pipeline, hot_store):
    memory = MemoryClient("ana", "chat", settings=settings)
    ids = [memory.write("user", f"turn {number}") for number in range(60)]
    pipeline.settle()
    shard = keys.shard_of("default", "ana")
    assert not hot_store.exists(keys.pending(SESSION))
    assert hot_store.zcard(keys.due(shard)) == hot_store.zcard(keys.claims(shard)) == 0
    assert int(hot_store.get(keys.pending_bytes(shard))) == 0
    assert hot_store.llen(keys.recent(SESSION)) == settings.recent_turns
    assert [turn.turn_id for turn in memory.history(100)] == ids


def test_repeating_a_turn_days_later_changes_nothing(settings, pipeline, database):
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write("user", "first", turn_id="t-1")
    pipeline.settle()
    memory.write("user", "first", turn_id="t-1")
    memory.write("user", "second", turn_id="t-2")
    pipeline.settle()
    assert [turn_id for _, turn_id, _ in rows(database)] == ["t-1", "t-2"]


def test_dying_between_the_commit_and_redis_doubles_nothing(settings, pipeline, database, hot_store):
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write("user", "once")
    with pipeline.runtime.postgres.connection() as connection, connection.transaction():
        from afterturn.pipeline.stages import archive

        taken = pending.read_entries(hot_store, [SESSION], limit=10)
        archive.archive_entries(connection, settings, taken.entries)
    # Here the process dies: the entry is still pending.
    assert hot_store.xlen(keys.pending(SESSION)) == 1
    pipeline.settle()
    assert len(rows(database)) == 1
    assert not hot_store.exists(keys.pending(SESSION))


def test_an_entry_leaves_only_when_both_its_ids_agree(settings, pipeline, hot_store):
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write("user", "old")
    taken = pending.read_entries(hot_store, [SESSION], limit=10)
    [entry] = taken.entries[SESSION]
    # Redis restarts without data, with its clock set back: a new turn gets the stream id of the old one.
    hot_store.flushall()
    hot_store.xadd(keys.pending(SESSION), {"i": "another-turn", "d": b"{}"}, id=entry.stream_id)
    pending.remove_entries(hot_store, taken, keep_recent=10, recent_seconds=60, recent_limit_bytes=262_144)
    assert hot_store.xlen(keys.pending(SESSION)) == 1
    hot_store.flushall()


def test_no_turn_is_lost_when_redis_restarts_empty_with_old_stream_ids(settings, pipeline, database, hot_store):
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write("user", "before")
    pipeline.settle()
    hot_store.flushall()
    turn_id, payload = turns.make_payload("user", "after", limit_bytes=1_000)
    hot_store.xadd(keys.pending(SESSION), {"i": turn_id, "d": payload}, id="1-1")
    hot_store.zadd(keys.due(keys.shard_of("default", "ana")), {keys.member(SESSION): 1})
    pipeline.settle()
    assert [content for _, _, content in rows(database)] == ["before", "after"]


def test_many_sessions_go_in_few_messages(settings, pipeline, database):
    for number in range(150):
        MemoryClient(f"user-{number % 7}", f"chat-{number}", settings=settings).write("user", "hello")
    assert pipeline.sweep()["archive"] == 150
    messages = [arguments for stage, arguments in pipeline.hints.waiting if stage == "archive"]
    assert sum(len(arguments[0]) for arguments in messages) == 150
    assert len(messages) == -(-150 // SESSIONS_PER_ARCHIVE)
    pipeline.settle()
    assert database.execute("SELECT count(*) FROM turns").fetchone() == (150,)


def test_a_claimed_session_is_not_claimed_again(settings, pipeline):
    MemoryClient("ana", "chat", settings=settings).write("user", "hello")
    assert pipeline.sweep()["archive"] == 1
    assert pipeline.sweep()["archive"] == 0


def test_an_unreadable_entry_stays_and_blocks_no_other_entry(settings, pipeline, database, hot_store, caplog):
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write("user", "good")
    hot_store.xadd(keys.pending(SESSION), {"i": "x", "d": b'{"v": 99, "role": "user"}'})
    memory.write("user", "good too")
    pipeline.sweep()
    while pipeline.hints.waiting:
        pipeline.step()
    assert [content for _, _, content in rows(database)] == ["good", "good too"]
    assert hot_store.xlen(keys.pending(SESSION)) == 1
    assert "cannot be read and stay" in caplog.text


def test_two_archives_at_once_give_each_position_once(settings, pipeline, database):
    from concurrent.futures import ThreadPoolExecutor

    memory = MemoryClient("ana", "chat", settings=settings)
    ids = memory.write_many({"role": "user", "content": f"turn {number}"} for number in range(300))
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: pipeline.do("archive", [["default", "ana", "chat"]]), range(4)))
    assert [(position, turn_id) for position, turn_id, _ in rows(database)] == list(enumerate(ids, 1))


def test_archives_of_the_same_users_in_any_order_do_not_deadlock(settings, pipeline, database):
    from concurrent.futures import ThreadPoolExecutor

    sessions = [["default", f"user-{number % 5}", f"chat-{number}"] for number in range(40)]
    for _, user_id, session_id in sessions:
        MemoryClient(user_id, session_id, settings=settings).write("user", "hello")

    def archive_shuffled(seed: int) -> None:
        pipeline.do("archive", random.Random(seed).sample(sessions, len(sessions)))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(archive_shuffled, range(12)))
    assert database.execute("SELECT count(*) FROM turns").fetchone() == (40,)


def test_uniqueness_is_kept_by_postgres_itself(settings, pipeline, database):
    MemoryClient("ana", "chat", settings=settings).write("user", "hello", turn_id="t-1")
    pipeline.settle()
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.execute(
            "INSERT INTO turns (tenant_id, user_id, session_id, position, turn_id, role, content, tokens, occurred_at,"
            " written_at) VALUES ('default', 'ana', 'chat', 99, 't-1', 'user', 'again', 1, now(), now())"
        )
