"""Cutting: turns become a batch by their number, tokens or age, when the session is idle, or on a flush."""

import time

import pytest

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


def make_turns_older(database, seconds):
    """Make the pause between the archived turns and the next one longer; no session becomes due by it."""
    database.execute("UPDATE turns SET written_at = written_at - make_interval(secs => %s)", [seconds])


def let_time_pass(database, seconds):
    """Make all that was archived older, as if this time had passed since."""
    passed = f"make_interval(secs => {seconds})"
    make_turns_older(database, seconds)
    database.execute(
        f"UPDATE sessions SET last_archived_at = last_archived_at - {passed}, uncut_since = uncut_since - {passed},"
        f" cut_due_at = cut_due_at - {passed}"
    )


def test_an_idle_session_is_cut(settings, hot_store, database):
    MemoryClient("ana", "chat", settings=settings).write("user", "hello")
    with Pipeline(patient(settings, batch_idle_seconds=1_200.0)) as pipeline:
        archive_only(pipeline)
        archive_only(pipeline)
        assert batches(database) == []
        let_time_pass(database, 101)
        archive_only(pipeline)
    assert [row[4] for row in batches(database)] == ["due"]


def wait_of(database, user_id):
    """Return how long the session of a user has to be silent until it is cut, in seconds."""
    return database.execute(
        "SELECT extract(epoch FROM cut_due_at - last_archived_at)::float FROM sessions WHERE user_id = %s", [user_id]
    ).fetchone()[0]


def test_a_session_is_cut_when_it_is_silent_for_longer_than_usual(settings, hot_store, database):
    """A session with a turn each second waits for less than one whose turns come slowly."""
    waits = {}
    with Pipeline(patient(settings, batch_idle_seconds=60.0)) as pipeline:
        for user_id, gap_seconds in (("quick", 1), ("slow", 12)):
            memory = MemoryClient(user_id, "chat", settings=settings)
            for number in range(8):
                make_turns_older(database, gap_seconds)
                memory.write("user", f"turn {number}")
                archive_only(pipeline)
            waits[user_id] = wait_of(database, user_id)
    assert waits["quick"] < 10 < waits["slow"] < 60


def test_the_rhythm_is_remembered_after_a_batch(settings, hot_store, database):
    """The first turn after a full batch does not wait as if nothing were known of its session."""
    memory = MemoryClient("ana", "chat", settings=settings)
    with Pipeline(patient(settings, batch_idle_seconds=60.0, batch_turns=4)) as pipeline:
        for number in range(5):
            make_turns_older(database, 12)
            memory.write("user", f"turn {number}")
            archive_only(pipeline)
    assert [row[2:5] for row in batches(database)] == [(1, 4, "size")]
    assert 10 < wait_of(database, "ana") < 60, "5 without a rhythm"


def test_a_session_that_says_goodbye_is_cut_soon(settings, hot_store, database):
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write("user", "I must go. See you tomorrow!")
    with Pipeline(patient(settings, batch_idle_seconds=60.0)) as pipeline:
        archive_only(pipeline)
    assert wait_of(database, "ana") == pytest.approx(5.0)


def test_another_subject_ends_a_batch_that_is_not_small(settings, hot_store, database):
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write_many({"role": "user", "content": f"turn {number}"} for number in range(16))
    with Pipeline(patient(settings)) as pipeline:
        archive_only(pipeline)
        assert batches(database) == []
        memory.write("user", "Good. By the way, we have a dog now.")
        archive_only(pipeline)
        archive_only(pipeline)
    assert [row[2:5] for row in batches(database)] == [(1, 16, "subject")]


def test_a_full_batch_leaves_a_question_to_its_answer(settings, hot_store, database):
    memory = MemoryClient("ana", "chat", settings=settings)
    with Pipeline(patient(settings, batch_turns=4)) as pipeline:
        for content in ("I moved.", "Nice.", "Not far.", "Where to?"):
            memory.write("user", content)
        archive_only(pipeline)
        assert [row[2:5] for row in batches(database)] == [(1, 3, "size")]
        memory.write("user", "To Lisbon.")
        memory.flush()
        archive_only(pipeline)
    assert [row[2:5] for row in batches(database)] == [(1, 3, "size"), (4, 5, "flush")]


def test_a_batch_that_is_cut_by_age_leaves_a_question_to_its_answer(settings, hot_store, database):
    memory = MemoryClient("ana", "chat", settings=settings)
    with Pipeline(patient(settings, batch_max_age_seconds=60.0)) as pipeline:
        memory.write("user", "I moved.")
        archive_only(pipeline)
        let_time_pass(database, 61)
        memory.write("user", "Do you know where to?")
        archive_only(pipeline)
        assert [row[2:5] for row in batches(database)] == [(1, 1, "due")]
        archive_only(pipeline)
        assert len(batches(database)) == 1, "the question waits, as if it were the first turn"
        memory.write("user", "To Lisbon.")
        archive_only(pipeline)
        let_time_pass(database, 61)
        archive_only(pipeline)
    assert [row[2:5] for row in batches(database)] == [(1, 1, "due"), (2, 3, "due")]


def test_turns_of_a_user_who_never_pauses_are_cut_by_age(settings, hot_store, database):
    memory = MemoryClient("ana", "chat", settings=settings)
    with Pipeline(patient(settings, batch_max_age_seconds=1.0)) as pipeline:
        deadline = time.monotonic() + 60
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
