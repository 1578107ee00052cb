"""Work is handed out a little at a time: queues stay short however much is owed, and nothing is handed out twice."""

import time
from collections import Counter

import pytest

from afterturn.hot import keys, pending
from afterturn.local.redis_server import RedisServer
from afterturn.pipeline import hand_out
from afterturn.pipeline.enqueue import LATER
from afterturn.pipeline.hand_out import DIRECT_QUEUE, SHORT_ARCHIVE_QUEUE, SHORT_QUEUE
from afterturn.pipeline.stages import archive, sweep
from afterturn.pipeline.stages.sweep import SESSIONS_PER_ARCHIVE
from afterturn.scopes import SessionScope
from api_shim import MemoryClient
from harness import idle_sessions

STEPS = {
    "pending": "UPDATE batches SET state = 'pending', embedded_at = NULL, hinted_at = NULL",
    "extracted": "UPDATE batches SET state = 'extracted', embedded_at = NULL, hinted_at = NULL",
    "unjudged": "UPDATE batches SET state = 'extracted', owes_judgement = true, hinted_at = NULL",
    "embedded": "UPDATE batches SET state = 'extracted', hinted_at = NULL",
}


def write(settings, users, *, prefix="user"):
    for number in range(users):
        MemoryClient(f"{prefix}-{number}", "chat", settings=settings).write("user", f"I live at {number}.")


def sessions_handed_out(pipeline):
    """Return how often each session was handed out to be archived, of the hints that wait."""
    named = (
        tuple(names) for stage, arguments in pipeline.hints.waiting if stage == "archive" for names in arguments[0]
    )
    return Counter(named)


def lengths(pipeline):
    return Counter(stage for stage, _ in pipeline.hints.waiting)


def lose_hints(pipeline):
    pipeline.hints.waiting.clear()


def age_hints(database, seconds):
    database.execute("UPDATE batches SET hinted_at = hinted_at - make_interval(secs => %s)", (seconds,))


def age_claims(hot_store, seconds):
    """Let the claims be older than they are: they lapse that much earlier."""
    for shard in range(keys.SHARD_COUNT):
        for name, lapses in hot_store.zrange(keys.claims(shard), 0, -1, withscores=True):
            hot_store.zadd(keys.claims(shard), {name: lapses - 1000 * seconds})


def owe_batches(settings, database, step, count):
    """Put users into the database of whom each owes a batch at a step, and nothing else."""
    idle_sessions.fill(settings.postgres_url.get_secret_value(), count)
    database.execute("UPDATE users SET slept_version = version")
    database.execute(STEPS[step])


def test_a_backlog_of_sessions_is_handed_out_to_a_depth_and_no_further(settings, pipeline):
    write(settings, 300)
    for _ in range(5):
        pipeline.sweep()
    handed_out = sessions_handed_out(pipeline)
    at_most = SHORT_ARCHIVE_QUEUE * SESSIONS_PER_ARCHIVE + keys.SHARD_COUNT
    assert SHORT_ARCHIVE_QUEUE <= lengths(pipeline)["archive"] <= at_most / SESSIONS_PER_ARCHIVE
    assert handed_out.total() <= at_most
    assert set(handed_out.values()) == {1}


def test_a_queue_that_runs_dry_is_topped_up_to_more_each_time(settings, pipeline):
    write(settings, 2_000)
    handed_out = []
    for _ in range(4):
        handed_out.append(pipeline.sweep()["archive"])
        lose_hints(pipeline)
    assert handed_out == sorted(handed_out)
    assert handed_out[-1] > 2 * handed_out[0]


def test_no_queue_is_topped_up_beyond_the_window(settings, pipeline):
    write(settings, 600)
    pipeline.runtime.settings = settings.model_copy(update={"hint_window": 5})
    for _ in range(6):
        assert pipeline.sweep()["archive"] <= 5 * SESSIONS_PER_ARCHIVE + keys.SHARD_COUNT
        lose_hints(pipeline)


def test_the_newest_user_is_among_the_first_that_are_archived(settings, pipeline):
    write(settings, 500)
    pipeline.sweep()
    write(settings, 1, prefix="new")
    lose_hints(pipeline)
    pipeline.sweep()
    first_message = next(arguments[0] for stage, arguments in pipeline.hints.waiting if stage == "archive")
    assert ["default", "new-0", "chat"] in [
        names for stage, arguments in pipeline.hints.waiting if stage == "archive" for names in arguments[0]
    ]
    assert len(first_message) == SESSIONS_PER_ARCHIVE


def test_those_that_have_waited_longest_get_half_of_each_hand_out(settings, pipeline):
    first = SessionScope("default", "first", "chat")
    MemoryClient("first", "chat", settings=settings).write("user", "I was here first.")
    for number in range(300):
        # All in the shard of the first one, which would never be reached if only the newest were handed out.
        if keys.shard_of("default", f"user-{number}") == keys.shard_of("default", "first"):
            MemoryClient(f"user-{number}", "chat", settings=settings).write("user", "hello")
    claimed = pending.claim_due(pipeline.runtime.redis, claim_seconds=10, grace_seconds=0, limit=2)
    assert first in claimed
    assert len(claimed) == 2


def test_a_lost_archive_is_handed_out_again_when_its_claim_has_lapsed(settings, pipeline, hot_store):
    write(settings, 3)
    assert pipeline.sweep()["archive"] == 3
    lose_hints(pipeline)
    assert pipeline.sweep()["archive"] == 0
    age_claims(hot_store, 3)  # a claim lasts as long as a lease: 2 s
    assert pipeline.sweep()["archive"] == 3


def test_what_waits_in_a_long_queue_is_not_handed_out_again(settings, pipeline, hot_store):
    """The claims have lapsed, but the workers have taken nothing: the queue is as long as it was."""
    write(settings, 300)
    pipeline.sweep()
    age_claims(hot_store, 3)
    assert pipeline.sweep()["archive"] == 0
    assert set(sessions_handed_out(pipeline).values()) == {1}


def test_a_lost_archive_is_found_again_however_long_the_queue_stays(settings, pipeline, hot_store):
    write(settings, 300)
    pipeline.sweep()
    lost = set(sessions_handed_out(pipeline))
    lose_hints(pipeline)
    age_claims(hot_store, 7)
    for _ in range(SHORT_ARCHIVE_QUEUE):
        # The queue stays at its depth: other messages come and go.
        pipeline.hints.waiting.append(("archive", ([["default", "somebody", "chat"]],)))
    hot_store.hset(keys.QUEUES, "archive", 40)  # the workers take many
    pipeline.sweep()
    assert lost & set(sessions_handed_out(pipeline))


@pytest.mark.parametrize("step", STEPS)
def test_a_backlog_of_batches_is_handed_out_to_a_depth_and_never_repeated(settings, pipeline, database, step):
    owe_batches(settings, database, step, 200)
    stage = sweep.STAGE_AFTER[step]
    seen = Counter()
    for _ in range(20):
        pipeline.sweep()
        assert lengths(pipeline)[stage] <= max(SHORT_QUEUE, 200)
        seen.update(arguments[2] for name, arguments in pipeline.hints.waiting if name == stage)
        lose_hints(pipeline)
    assert len(seen) == 200
    assert set(seen.values()) == {1}


@pytest.mark.parametrize("step", STEPS)
def test_while_nothing_is_taken_from_a_queue_nothing_is_added(settings, pipeline, database, step):
    owe_batches(settings, database, step, 100)
    for _ in range(5):
        pipeline.sweep()
        age_hints(database, settings.hint_seconds + 1)
    assert lengths(pipeline)[sweep.STAGE_AFTER[step]] == SHORT_QUEUE


def test_a_lost_batch_is_handed_out_again_after_the_hint_time(settings, pipeline, database):
    owe_batches(settings, database, "pending", 5)
    assert pipeline.sweep()["extract"] == 5
    lose_hints(pipeline)
    assert pipeline.sweep()["extract"] == 0
    age_hints(database, settings.hint_seconds + 1)
    assert pipeline.sweep()["extract"] == 5


def test_a_lost_batch_is_the_first_in_line_beside_a_backlog(settings, pipeline, database):
    owe_batches(settings, database, "pending", 300)
    pipeline.sweep()
    lost = {arguments[2] for stage, arguments in pipeline.hints.waiting if stage == "extract"}
    lose_hints(pipeline)
    age_hints(database, settings.hint_seconds + 1)
    pipeline.sweep()
    assert lost <= {arguments[2] for stage, arguments in pipeline.hints.waiting if stage == "extract"}


def test_a_stage_hands_on_directly_only_while_the_next_queue_is_short(settings, pipeline, database, monkeypatch):
    # On a busy machine one archive would end before all turns are archived.
    monkeypatch.setattr(archive, "SECONDS_PER_TASK", 60)
    # One batch of each user: a user's later batches wait for the earlier ones, however short the queue is.
    users = [f"user-{number}" for number in range(30)]
    for user in users:
        memory = MemoryClient(user, "chat", settings=settings)
        memory.write_many({"role": "user", "content": f"I own {number} cats."} for number in range(30))
    pipeline.do("archive", [["default", user, "chat"] for user in users])
    assert lengths(pipeline)["extract"] == SHORT_QUEUE
    assert database.execute("SELECT count(*) FILTER (WHERE hinted_at IS NULL), count(*) FROM batches").fetchone() == (
        30 - SHORT_QUEUE,
        30,
    )
    sent = Counter()
    while pipeline.sweep() and (pipeline.hints.waiting or sent.total() == 0):
        while pipeline.hints.waiting:
            sent[pipeline.hints.waiting[0][0]] += 1
            pipeline.step()
    assert {stage: count for stage, count in sent.items() if count > 32} == {}
    assert database.execute("SELECT DISTINCT state FROM batches").fetchall() == [("applied",)]


def test_two_messages_about_one_user_do_not_multiply(settings, pipeline, database):
    """Each of them hands the user's next batch on, if that was not done already."""
    memory = MemoryClient("ana", "chat", settings=settings)
    memory.write_many({"role": "user", "content": f"I own {number} cats."} for number in range(10 * 30))
    sent = Counter()
    pipeline.sweep()
    while pipeline.hints.waiting:
        stage, arguments = pipeline.hints.waiting[0]
        sent[stage] += 1
        if stage == "consolidate" and sent[stage] == 1:
            pipeline.hints.waiting.append((stage, arguments))
        pipeline.step()
    assert database.execute("SELECT state, count(*) FROM batches GROUP BY state").fetchall() == [("applied", 10)]
    assert sent["consolidate"] <= 12


def test_a_batch_whose_user_was_locked_is_handed_out_again_at_once(settings, pipeline, database, hot_store):
    owe_batches(settings, database, "embedded", 1)
    pipeline.sweep()
    scope = pipeline.runtime and SessionScope("default", "user-1", "session").user
    hot_store.set(keys.user_lock(scope), "somebody else", px=5_000)
    while pipeline.hints.waiting:
        pipeline.step()
    hot_store.delete(keys.user_lock(scope))
    assert pipeline.sweep()["consolidate"] == 1


def test_all_erasures_get_their_turn_however_many_the_first_ones_fail(settings, pipeline, database):
    database.execute(
        "INSERT INTO erasures (owner_hash, epoch, tenant_id, user_id, requested_at)"
        " SELECT 'hash-' || n, 1, 'default', 'user-' || n, now() - interval '1 hour' FROM generate_series(1, 150) AS n"
    )
    seen = Counter()
    for _ in range(10):
        pipeline.sweep()
        seen.update(arguments[1] for stage, arguments in pipeline.hints.waiting if stage == "erase")
        lose_hints(pipeline)
    assert len(seen) == 150
    assert set(seen.values()) == {1}


def test_summaries_that_must_wait_do_not_keep_others_from_being_found(settings, pipeline, database):
    """1,000 sessions have a batch on its way; one session's last batch is applied."""
    idle_sessions.fill(settings.postgres_url.get_secret_value(), 1_000)
    database.execute("UPDATE users SET slept_version = version")
    database.execute("UPDATE sessions SET summarized_through = 0, summary_hinted_at = now() - interval '1 hour'")
    database.execute("UPDATE batches SET state = 'extracted', embedded_at = NULL, hinted_at = now(), applied_at = NULL")
    database.execute("UPDATE batches SET state = 'applied', applied_at = now() WHERE user_id = 'user-500'")
    database.execute("UPDATE sessions SET summary_hinted_at = NULL WHERE user_id = 'user-500'")
    pipeline.sweep()
    assert [arguments[1] for stage, arguments in pipeline.hints.waiting if stage == "summarize"] == ["user-500"]


def test_nothing_is_marked_as_handed_out_while_the_broker_is_away(settings, hot_store, database):
    from afterturn.pipeline.runtime import Runtime

    owe_batches(settings, database, "pending", 3)
    write(settings, 3)
    runtime = Runtime(settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"}))
    try:
        assert sweep.sweep(runtime) == {}
    finally:
        runtime.close()
    assert database.execute("SELECT count(*) FROM batches WHERE hinted_at IS NOT NULL").fetchone() == (0,)
    assert not any(hot_store.zcard(keys.claims(shard)) for shard in range(keys.SHARD_COUNT))


def test_a_part_of_the_sweep_that_fails_does_not_stop_the_others(settings, pipeline, database, caplog):
    owe_batches(settings, database, "pending", 3)
    # What is cut of imports depends on it, and comes before what is handed out.
    database.execute("ALTER TABLE batches RENAME COLUMN paused_budget TO paused_budget_away")
    try:
        assert pipeline.sweep()["extract"] == 3
    finally:
        database.execute("ALTER TABLE batches RENAME COLUMN paused_budget_away TO paused_budget")
    assert "a part of the sweep failed" in caplog.text


@pytest.mark.parametrize(("is_interrupted", "handed_out"), [(True, 3), (False, 0)])
def test_after_the_broker_restarted_messages_of_a_moment_ago_are_sent_again(
    settings, pipeline, database, monkeypatch, is_interrupted, handed_out
):
    owe_batches(settings, database, "pending", 3)
    assert pipeline.sweep()["extract"] == 3
    lose_hints(pipeline)
    monkeypatch.setattr(pipeline.hints, "is_interrupted", lambda: is_interrupted)
    assert pipeline.sweep()["extract"] == 0, "they were sent just now"
    age_hints(database, sweep.LOST_SECONDS)
    assert pipeline.sweep()["extract"] == handed_out


@pytest.mark.slow
def test_a_restart_of_the_broker_is_noticed(tmp_path, monkeypatch):
    from afterturn.pipeline import enqueue as module

    monkeypatch.setattr(module, "INTERRUPTED_SECONDS", 1.0)
    with RedisServer(tmp_path / "redis", appendfsync="always") as server:
        enqueue = module.Enqueue(server.url)
        try:
            assert enqueue.is_interrupted(), "what was before is not known"
            time.sleep(1.1)
            assert not enqueue.is_interrupted()
            server.kill()
            server.start()
            assert enqueue.is_interrupted()
            time.sleep(1.1)
            assert not enqueue.is_interrupted()
            server.kill()
            assert not enqueue.send("archive", [])
            server.start()
            assert enqueue.is_interrupted()
            assert enqueue.send("archive", [])
        finally:
            enqueue.close()


@pytest.mark.slow
def test_a_message_is_sent_though_the_broker_restarted_since_the_last_one(tmp_path):
    from afterturn.pipeline.enqueue import Enqueue

    with RedisServer(tmp_path / "redis", appendfsync="always") as server:
        enqueue = Enqueue(server.url)
        try:
            assert enqueue.send("archive", [])
            server.kill()
            server.start()
            assert enqueue.send("archive", [])
            assert enqueue.read_lengths(("archive",)) == {"archive": 2}
        finally:
            enqueue.close()


def test_the_broker_tells_how_long_its_queues_are(settings, hot_store):
    from afterturn.pipeline.enqueue import Enqueue

    enqueue = Enqueue(settings.celery_broker_url)
    try:
        assert enqueue.read_lengths(("archive", "embed")) == {"archive": 0, "embed": 0}
        for number in range(3):
            enqueue.send("archive", [["default", "ana", f"chat-{number}"]])
        assert enqueue.read_lengths(("archive", "embed")) == {"archive": 3, "embed": 0}
        assert hand_out.may_hand_on(enqueue, "embed")
        for _ in range(SHORT_QUEUE):
            enqueue.send("embed", "default", "ana", "batch", priority=LATER)
        assert not hand_out.may_hand_on(enqueue, "embed", LATER)
        assert hand_out.may_hand_on(enqueue, "embed")
        for _ in range(DIRECT_QUEUE - SHORT_QUEUE):
            enqueue.send("embed", "default", "ana", "batch")
        assert not hand_out.may_hand_on(enqueue, "embed")
    finally:
        enqueue.close()


def test_forgotten_pending_turns_are_found_page_by_page(settings, pipeline, hot_store):
    write(settings, 2_500)
    for shard in range(0, keys.SHARD_COUNT, 2):
        hot_store.delete(keys.due(shard))
    due = sum(hot_store.zcard(keys.due(shard)) for shard in range(keys.SHARD_COUNT))
    assert sweep.reconcile(pipeline.runtime) == 2_500 - due
    assert sweep.reconcile(pipeline.runtime) == 0
    scores = [
        score
        for shard in range(keys.SHARD_COUNT)
        for _, score in hot_store.zrange(keys.due(shard), 0, 0, withscores=True)
    ]
    assert all(abs(score / 1000 - time.time()) < 600 for score in scores)


def test_a_pile_of_reconcile_messages_is_one_search(settings, pipeline, hot_store):
    write(settings, 1)
    for shard in range(keys.SHARD_COUNT):
        hot_store.delete(keys.due(shard))
    sweep.reconcile_if_due(pipeline.runtime)
    assert sum(hot_store.zcard(keys.due(shard)) for shard in range(keys.SHARD_COUNT)) == 1
    for shard in range(keys.SHARD_COUNT):
        hot_store.delete(keys.due(shard))
    sweep.reconcile_if_due(pipeline.runtime)
    assert sum(hot_store.zcard(keys.due(shard)) for shard in range(keys.SHARD_COUNT)) == 0


def test_while_the_archive_is_behind_other_stages_get_a_trickle(settings, pipeline, database):
    owe_batches(settings, database, "pending", 100)
    write(settings, 400)
    swept = pipeline.sweep()
    assert swept["archive"] > 0
    assert 0 < swept["extract"] <= sweep.TRICKLE
    lose_hints(pipeline)
    while pipeline.sweep()["archive"]:
        lose_hints(pipeline)
    pipeline.sweep()
    assert lengths(pipeline)["extract"] >= SHORT_QUEUE


def test_a_session_that_is_due_now_is_cut_beside_a_backlog_of_due_sessions(settings, pipeline, database):
    idle_sessions.fill(settings.postgres_url.get_secret_value(), 500)
    database.execute("UPDATE users SET slept_version = version, next_user_seq = 1")
    database.execute("DELETE FROM batches")
    due = "UPDATE sessions SET cut_through = 0, uncut_tokens = 6, uncut_since = %s, cut_due_at = %s"
    database.execute(due, ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"))
    database.execute("UPDATE sessions SET cut_due_at = now() WHERE user_id = 'user-400'")
    database.execute("UPDATE sessions SET cut_due_at = '2025-01-01' WHERE user_id = 'user-300'")
    pipeline.sweep()
    cut = {user_id for (user_id,) in database.execute("SELECT user_id FROM batches").fetchall()}
    assert {"user-300", "user-400"} <= cut
    assert len(cut) <= SHORT_QUEUE
