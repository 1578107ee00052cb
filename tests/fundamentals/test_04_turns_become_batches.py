"""Cutting: turns become a batch by their number, tokens or age, when the session is idle, or on a flush."""

import time

from api_shim import MemoryClient
from harness.pipeline import Pipeline


def batches(database):
    return database.execute(
        "SELECT user_seq, session_id, first_position, last_position, cut_by, state FROM batches ORDER BY user_seq"
    ).fetchall()


def archive_only(pipeline):
    """Run one sweep and the archive stage, and leave the other hints."""
    pipeline.sweep()
    while pipeline.hints.waiting:
        stage, arguments = pipeline.hints.waiting.popleft()
        if stage == "archive":
            pipeline.do(stage, *arguments)
            pipeline.hints.waiting.clear()


def patient(settings, **changes):
    waits = {"batch_idle_seconds": 3600.0, "batch_max_age_seconds": 3600.0}
    return settings.model_copy(update=waits | changes)


def test_full_batches_are_cut_at_once_and_the_rest_waits(settings, hot_store, database):
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write_many({"role": "user", "content": f"turn {number}"} for number in range(65))
    with Pipeline(patient(settings)) as pipeline:
        archive_only(pipeline)
    assert [row[2:5] for row in batches(database)] == [(1, 30, "size"), (31, 60, "size")]


def test_long_turns_fill_a_batch_by_their_tokens(settings, hot_store, database):
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write_many({"role": "user", "content": "word " * 900} for _ in range(5))
    with Pipeline(patient(settings)) as pipeline:
        archive_only(pipeline)
    assert [row[2:4] for row in batches(database)] == [(1, 2), (3, 4)]


def test_an_idle_session_is_cut(settings, hot_store, database):
    MemoryClient("ana", "chat", settings=settings).write("user", "hello")
    with Pipeline(patient(settings, batch_idle_seconds=0.5)) as pipeline:
        archive_only(pipeline)
        archive_only(pipeline)
        assert batches(database) == []
        time.sleep(0.6)
        archive_only(pipeline)
    assert [row[4] for row in batches(database)] == ["due"]


def test_turns_of_a_user_who_never_pauses_are_cut_by_age(settings, hot_store, database):
    memory = MemoryClient("ana", "chat", settings=settings)
    with Pipeline(patient(settings, batch_max_age_seconds=1.0)) as pipeline:
        deadline = time.monotonic() + 10
        while not batches(database):
            assert time.monotonic() < deadline
            memory.write("user", "and another thing")
            archive_only(pipeline)
            time.sleep(0.1)


def test_a_flush_is_ordered_with_the_turns(settings, hot_store, database):
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write("user", "first")
    memory.flush()
    with Pipeline(patient(settings)) as pipeline:
        archive_only(pipeline)
        assert [row[2:5] for row in batches(database)] == [(1, 1, "flush")]
        memory.write("user", "second")
        archive_only(pipeline)
        assert len(batches(database)) == 1
        memory.flush()
        archive_only(pipeline)
    assert [row[2:5] for row in batches(database)] == [(1, 1, "flush"), (2, 2, "flush")]


def test_flushing_nothing_is_harmless(settings, pipeline, database):
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.flush()
    memory.flush()
    pipeline.settle()
    assert batches(database) == []


def test_batches_are_numbered_in_their_users_order_across_sessions(settings, pipeline, database):
    for session_id in ("monday", "tuesday", "monday"):
        MemoryClient("ana", session_id, settings=settings).write("user", f"hello on {session_id}")
        pipeline.settle()
    assert [row[:2] for row in batches(database)] == [(1, "monday"), (2, "tuesday"), (3, "monday")]
    assert {row[5] for row in batches(database)} == {"applied"}
