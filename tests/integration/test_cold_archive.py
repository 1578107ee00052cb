"""The texts of old turns move to an object store, and everything still reaches them."""

import asyncio
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from afterturn import AsyncMemoryClient, faults
from afterturn.cold import files, object_store
from afterturn.database import counters
from afterturn.embedding import hashing, switching
from afterturn.errors import ColdObjectDamaged, ColdUnavailable, MemoryUnavailable, SettingsError
from afterturn.forgetting import erasures, export, scrub
from afterturn.hot import keys
from afterturn.local import environment
from afterturn.local.stack import Stack
from afterturn.pipeline.stages import cold
from afterturn.scopes import UserScope
from api_shim import MemoryClient
from api_shim.adapters.openai_agents import AfterturnSession
from api_shim.cli.processes import COMMANDS
from harness.pipeline import Pipeline
from tests import canary
from tests.integration.conftest import WORKERS
from tests.old_turns import line

ANA = UserScope("default", "ana")
OLD = datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
LINES = ("I live in Porto.", "I own 3 red bicycles.", "My dog is called Rex.", "My cat is called Tom.")
MOVE_POINTS = [f"cold.{point}" for point in faults.POINTS["cold"]]
RESTORE_POINTS = [f"restore.{point}" for point in faults.POINTS["restore"]]


@pytest.fixture
def folder():
    shutil.rmtree(canary.COLD_FOLDER, ignore_errors=True)
    yield canary.COLD_FOLDER
    shutil.rmtree(canary.COLD_FOLDER, ignore_errors=True)


@pytest.fixture
def archived(settings, folder):
    """Settings with which turns move as soon as their facts are made."""
    return with_settings(settings, cold_url=f"file://{folder}", cold_after_days=0)


@pytest.fixture
def cold_pipeline(archived, hot_store):
    with Pipeline(archived) as opened:
        yield opened


def with_settings(settings, **changes):
    return type(settings)(**settings.model_dump(exclude_unset=True) | changes)


def write_old(settings, user="ana", lines=LINES, session="old"):
    memory = MemoryClient(user, session, settings=settings)
    for number, text in enumerate(lines):
        memory.write("user", text, turn_id=f"t{number}", name="Ana", occurred_at=OLD + timedelta(minutes=number))
    return memory


def settle_warm(pipeline, settings):
    """Settle without a cold archive, and let Redis forget the recent turns."""
    with Pipeline(with_settings(settings, cold_url=None)) as warm:
        warm.settle()
    for key in pipeline.runtime.redis.scan_iter("at:*:recent:*"):
        pipeline.runtime.redis.delete(key)


def settle(pipeline):
    """Settle, and look at every user for old turns after that, as a sweep of a later day does."""
    pipeline.settle()
    with pipeline.runtime.postgres.connection() as connection:
        connection.execute("UPDATE users SET cold_due_at = now()")
    pipeline.settle()
    for key in pipeline.runtime.redis.scan_iter("at:*:recent:*"):
        pipeline.runtime.redis.delete(key)


def move(pipeline, user=ANA):
    return cold.move_old_turns(pipeline.runtime, user, age_seconds=0, seconds=60)


def contents(database):
    rows = database.execute("SELECT content FROM turns ORDER BY user_id, session_id, position").fetchall()
    return [content for (content,) in rows]


def objects(folder):
    return sorted(path for path in folder.rglob("*.jsonl.gz"))


def exported(pipeline, kinds=("turns", "facts", "evidence", "episodes")):
    records = export.export_records(pipeline.runtime.user_stores, ANA)
    return [record.values for record in records if record.kind in kinds]


@pytest.fixture
def moved(cold_pipeline, archived):
    memory = write_old(archived)
    settle_warm(cold_pipeline, archived)
    assert move(cold_pipeline) == len(LINES)
    return memory


def test_the_sweep_moves_texts_once_their_facts_are_made(cold_pipeline, archived, database, folder):
    memory = write_old(archived)
    settle(cold_pipeline)
    assert contents(database) == [""] * 4
    [path] = objects(folder)
    assert [turn.content for turn in files.decode(path.read_bytes())] == list(LINES)
    assert "ana" not in str(path.relative_to(folder))
    assert [turn.content for turn in memory.history()] == list(LINES)


def test_a_turn_younger_than_the_age_stays(settings, folder, database, hot_store):
    with Pipeline(with_settings(settings, cold_url=f"file://{folder}", cold_after_days=90)) as pipeline:
        memory = write_old(pipeline.settings, lines=LINES[:2])
        memory.write("user", "I work at Acme.")
        settle(pipeline)
        assert sorted(contents(database)) == ["", "", "I work at Acme."]


def test_history_recall_context_and_export_are_as_before(cold_pipeline, archived):
    memory = write_old(archived)
    settle_warm(cold_pipeline, archived)
    now = datetime.now(UTC)

    def read():
        return (
            memory.history(),
            memory.history(2, before="t3"),
            memory.recall("Where do I live?", explain=True),
            memory.recall(limit=3),
            memory.recall("dog", as_of=now, time="recorded"),
            memory.context("What is my dog called?", token_budget=2_000).messages,
            memory.facts(),
            memory.episodes(),
            exported(cold_pipeline),
        )

    before = read()
    assert move(cold_pipeline) == 4
    assert read() == before
    found = cold.restore(cold_pipeline.runtime, ANA)
    assert found == (4, [])
    assert read() == before


def test_a_session_of_an_agent_framework_has_moved_messages_and_items(cold_pipeline, archived):
    """A message of another door is in the archive; an item is in the metadata of its turn, which stays."""
    session = AfterturnSession("old", user_id="ana", settings=archived)
    memory = write_old(archived)
    asyncio.run(session.add_items([{"z": 1, "role": "user", "content": "I have a cat."}]))
    memory.write("user", "I have a dog.", occurred_at=OLD + timedelta(minutes=9))
    settle_warm(cold_pipeline, archived)
    expected = asyncio.run(session.get_items())
    assert move(cold_pipeline) == len(LINES) + 2
    clear_items(cold_pipeline)
    assert asyncio.run(session.get_items()) == expected
    assert [item["content"] for item in expected] == [*LINES, "I have a cat.", "I have a dog."]
    assert asyncio.run(session.get_items(3)) == expected[-3:]
    clear_items(cold_pipeline)
    assert [asyncio.run(session.pop_item()) for _ in range(3)] == expected[:-4:-1]
    assert asyncio.run(session.get_items()) == expected[:-3]


def test_a_session_whose_moved_messages_cannot_be_read_is_not_shown_in_part(moved, archived, folder, cold_pipeline):
    session = AfterturnSession("old", user_id="ana", settings=archived)
    asyncio.run(session.add_items([{"role": "user", "content": "I have a cat."}]))
    [path] = objects(folder)
    path.unlink()
    for read in (session.get_items, lambda: session.get_items(2)):
        with pytest.raises(ColdObjectDamaged):
            asyncio.run(read())
    assert asyncio.run(session.get_items(1)) == [{"role": "user", "content": "I have a cat."}]


def clear_items(pipeline):
    """Let Redis forget the session."""
    for pattern in ("at:*:recent:*", "at:*:items:*"):
        for key in pipeline.runtime.redis.scan_iter(pattern):
            pipeline.runtime.redis.delete(key)


def test_asyncio_reads_the_same(moved, archived):
    async def read():
        memory = AsyncMemoryClient("ana", "old", settings=archived)
        return await memory.history(), await memory.recall("dog")

    turns, memories = asyncio.run(read())
    assert (turns, memories) == (moved.history(), moved.recall("dog"))
    assert [turn.content for turn in turns] == list(LINES)


def test_removal_of_a_moved_turn_retracts_what_it_taught(moved, cold_pipeline):
    assert [fact.text for fact in moved.facts() if "Rex" in fact.text]
    before = datetime.now(UTC)
    moved.remove("t2")
    cold_pipeline.settle()
    assert [turn.content for turn in moved.history()] == [LINES[0], LINES[1], LINES[3]]
    assert not [fact.text for fact in moved.facts() if "Rex" in fact.text]
    believed = moved.recall("dog", as_of=before, time="recorded", kinds=["fact"])
    assert any("Rex" in memory.text for memory in believed)
    assert not any("Rex" in memory.text for memory in moved.recall("dog"))


def test_pop_takes_moved_turns_one_by_one(moved, cold_pipeline):
    assert [moved.pop().content for _ in LINES] == list(reversed(LINES))
    cold_pipeline.settle()
    assert moved.history() == [] and moved.pop() is None


def test_a_removed_turn_moves_and_comes_back_removed(cold_pipeline, archived, database):
    memory = write_old(archived)
    settle_warm(cold_pipeline, archived)
    memory.remove("t1")
    settle_warm(cold_pipeline, archived)
    assert move(cold_pipeline) == 4
    rows = [values["row"] for values in exported(cold_pipeline, ("turns",))]
    assert [row["content"] for row in rows] == list(LINES)
    cold.restore(cold_pipeline.runtime, ANA)
    assert contents(database) == list(LINES)
    assert [turn.turn_id for turn in memory.history()] == ["t0", "t2", "t3"]


@pytest.mark.parametrize("state", ["pending", "extracted", "dead"])
def test_turns_of_a_batch_that_may_be_read_again_stay(cold_pipeline, archived, database, state):
    write_old(archived)
    settle_warm(cold_pipeline, archived)
    database.execute("UPDATE batches SET state = %s, reason = 'x', dead_at = now()", (state,))
    assert move(cold_pipeline) == 0
    assert contents(database) == list(LINES)


def test_a_session_goes_on_behind_moved_turns(moved, cold_pipeline, database):
    moved.write("user", "I moved to Lisbon. I live in Lisbon.", name="Ana")
    cold_pipeline.settle()
    assert [turn.content for turn in moved.history(2)] == [LINES[3], "I moved to Lisbon. I live in Lisbon."]
    assert any("Lisbon" in fact.text for fact in moved.facts())


def test_an_import_repeated_after_the_move_is_known(settings, command, folder, write_file, database):
    own = with_settings(settings, cold_url=f"file://{folder}", cold_after_days=0)
    path = write_file(line("I own 3 red bicycles.", id="a"), line("I live in Porto.", id="b"))
    other = write_file(line("I own 4 red bicycles.", id="a"), name="other.jsonl")
    command.use(own)
    command("import", path)
    with Pipeline(own) as pipeline:
        settle(pipeline)
    assert contents(database) == ["", ""]
    again = command("import", path)
    assert again.code == 0, again
    assert command("import", other).code == 2
    assert database.execute("SELECT count(*) FROM turns").fetchone() == (2,)


# Forgetting


def test_forget_deletes_the_objects(cold_pipeline, archived, database, hot_store, folder):
    memory = canary.write_about(archived, "ana")
    other = canary.write_about(archived, "ben", word="Rex")
    settle(cold_pipeline)
    assert [name for name in canary.places(database, hot_store, canary.WORD) if str(folder) in name]
    receipt = erasures.forget(cold_pipeline.runtime, ANA)
    assert receipt.removed["cold_files"] >= 1
    assert canary.places(database, hot_store, canary.WORD) == []
    assert memory.history() == [] and len(other.history()) == 2
    assert len(objects(folder)) == 1


@pytest.mark.parametrize("point", MOVE_POINTS)
def test_forgotten_in_the_middle_of_a_move(cold_pipeline, archived, database, hot_store, monkeypatch, folder, point):
    memory = canary.write_about(archived, "ana")
    settle_warm(cold_pipeline, archived)
    forgetting = Forgetting(cold_pipeline, point)
    monkeypatch.setattr(faults, "point", forgetting.reach)
    move(cold_pipeline)
    forgetting.join()
    assert canary.places(database, hot_store, canary.WORD) == []
    assert objects(folder) == []
    memory.write("user", "I own 3 green bicycles.", occurred_at=OLD)
    cold_pipeline.settle()
    assert [turn.content for turn in memory.history()] == ["I own 3 green bicycles."]
    assert canary.places(database, hot_store, canary.WORD) == []


@pytest.mark.parametrize("point", RESTORE_POINTS)
def test_forgotten_in_the_middle_of_a_restore(cold_pipeline, archived, database, hot_store, monkeypatch, folder, point):
    canary.write_about(archived, "ana")
    settle(cold_pipeline)
    forgetting = Forgetting(cold_pipeline, point)
    monkeypatch.setattr(faults, "point", forgetting.reach)
    cold.restore(cold_pipeline.runtime, ANA)
    forgetting.join()
    assert canary.places(database, hot_store, canary.WORD) == []
    assert objects(folder) == []


class Forgetting:
    """Forgets Ana once, from another thread, when a move comes to a point."""

    def __init__(self, pipeline, point):
        self._point = point
        self._thread = threading.Thread(target=erasures.forget, args=(pipeline.runtime, ANA))

    def reach(self, point):
        if point == self._point and self._thread.ident is None:
            self._thread.start()
            self._thread.join(0.5)

    def join(self):
        assert self._thread.ident is not None, "the point was never reached"
        self._thread.join(20)
        assert not self._thread.is_alive()


def test_an_object_written_after_the_forget_by_a_killed_process_is_deleted(cold_pipeline, archived, database, folder):
    write_old(archived)
    settle_warm(cold_pipeline, archived)
    run_command(archived, "cold", "run", fault=f"cold.object_stored kill {folder.parent}/fired-{os.getpid()}")
    [late] = objects(folder)
    data = late.read_bytes()
    erasures.forget(cold_pipeline.runtime, ANA)
    assert objects(folder) == []
    late.parent.mkdir(parents=True, exist_ok=True)
    late.write_bytes(data)
    database.execute("UPDATE cold_deletions SET due_at = now()")
    cold_pipeline.sweep()
    while cold_pipeline.hints.waiting:
        cold_pipeline.step()
    assert objects(folder) == []
    database.execute("UPDATE cold_deletions SET due_at = now(), keep_until = now()")
    cold.cold(cold_pipeline.runtime, None)
    assert database.execute("SELECT count(*) FROM cold_deletions").fetchone() == (0,)


def test_scrub_deletes_what_nothing_names(moved, cold_pipeline, database, hot_store, folder):
    [path] = objects(folder)
    stray = path.with_name("00000000-0000-0000-0000-000000000000.jsonl.gz")
    stray.write_bytes(files.encode([{"session_id": "s", "position": 1, "content": canary.WORD}]))
    assert canary.places(database, hot_store, canary.WORD) == [str(stray)]
    steps = [step for step in scrub.scrub_stores(cold_pipeline.runtime.user_stores) if "cold archive" in step.name]
    assert [(step.is_done, step.detail) for step in steps] == [(True, "1 objects deleted")]
    assert objects(folder) == [path]
    assert canary.places(database, hot_store, canary.WORD) == []


# Crashes


def run_command(settings, *arguments, fault=None, check_code=None):
    environ = environment.child_environment(settings)
    if fault is not None:
        environ[faults.ENVIRONMENT_VARIABLE] = fault
    command = [sys.executable, "-m", "api_shim.cli.main", *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    if check_code is not None:
        assert done.returncode == check_code, done
    return done


@pytest.mark.parametrize("point", MOVE_POINTS)
def test_killed_while_moving(cold_pipeline, archived, database, folder, tmp_path, point):
    memory = write_old(archived)
    settle_warm(cold_pipeline, archived)
    before = memory.history()
    run_command(archived, "cold", "run", fault=f"{point} kill {tmp_path}/fired", check_code=-signal.SIGKILL)
    assert (tmp_path / "fired").exists()
    assert memory.history() == before
    database.execute("UPDATE leases SET until = now() - interval '1 second'")
    run_command(archived, "cold", "run", check_code=0)
    assert memory.history() == before
    assert contents(database) == [""] * 4
    [path] = objects(folder)
    assert len(files.decode(path.read_bytes())) == 4
    assert database.execute("SELECT state, turns FROM cold_objects").fetchall() == [("stored", 4)]


@pytest.mark.parametrize("point", RESTORE_POINTS)
def test_killed_while_restoring(moved, cold_pipeline, archived, database, folder, tmp_path, point):
    before = moved.history()
    fault = f"{point} kill {tmp_path}/fired"
    run_command(archived, "cold", "restore", "--all", fault=fault, check_code=-signal.SIGKILL)
    assert moved.history() == before
    run_command(archived, "cold", "restore", "--all", check_code=0)
    cold.cold(cold_pipeline.runtime, None)
    assert moved.history() == before
    assert contents(database) == list(LINES)
    assert objects(folder) == []
    assert database.execute("SELECT count(*) FROM cold_objects").fetchone() == (0,)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["cold.object_noted", "cold.object_stored", "cold.before_commit"])
def test_a_killed_worker_is_followed_by_another(
    archived, cold_pipeline, database, folder, tmp_path, monkeypatch, point
):
    memory = write_old(archived)
    settle_warm(cold_pipeline, archived)
    before = memory.history()
    monkeypatch.setenv(faults.ENVIRONMENT_VARIABLE, f"{point} kill {tmp_path}/fired")
    own = with_settings(archived, hint_seconds=1, lease_seconds=1)
    database.execute("UPDATE users SET cold_due_at = 'infinity'")
    with Stack(own, data_dir=tmp_path / "first", commands=COMMANDS, names=WORKERS):
        database.execute("UPDATE users SET cold_due_at = now()")
        wait_until((tmp_path / "fired").exists, seconds=60)
    assert memory.history() == before
    with Stack(own, data_dir=tmp_path / "second", commands=COMMANDS, names=WORKERS):
        wait_until(lambda: contents(database) == [""] * 4, seconds=60)
    assert memory.history() == before
    assert len(objects(folder)) == 1


def wait_until(condition, *, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_paused_move_changes_nothing_after_another_took_over(cold_pipeline, archived, database, monkeypatch, folder):
    memory = write_old(archived)
    settle_warm(cold_pipeline, archived)

    def reach(point):
        if point == "cold.object_noted":
            monkeypatch.setattr(faults, "point", lambda _: None)
            database.execute("UPDATE leases SET until = now() - interval '1 second'")
            with Pipeline(archived) as other:
                assert move(other) == 4

    monkeypatch.setattr(faults, "point", reach)
    assert move(cold_pipeline) == 0
    assert len(objects(folder)) == 1
    assert [turn.content for turn in memory.history()] == list(LINES)
    row = database.execute("SELECT count FROM counters WHERE name = %s", (counters.STALE_WRITES_REFUSED,)).fetchone()
    assert row == (1,)


def test_two_moves_at_once_move_once(cold_pipeline, archived, database, folder):
    write_old(archived)
    settle_warm(cold_pipeline, archived)
    threads = [threading.Thread(target=move, args=(cold_pipeline,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert contents(database) == [""] * 4
    assert len(objects(folder)) == 1


# The store fails


def test_a_damaged_object_is_a_clear_error_and_nothing_else_stops(moved, archived, cold_pipeline, folder):
    [path] = objects(folder)
    moved.write("user", "I work at Acme.")
    cold_pipeline.settle()
    path.write_bytes(b"\x1f\x8b rubbish")
    turns = moved.history()
    assert [turn.away for turn in turns] == ["cold_object_damaged"] * 4 + [None]
    assert turns[-1].content == "I work at Acme."
    assert any("Rex" in memory.text for memory in moved.recall("dog", kinds=["fact"]))
    assert all(memory.text for memory in moved.recall("dog"))
    rows = [values["row"] for values in exported(cold_pipeline, ("turns",))]
    assert [row.get("away") for row in rows] == ["cold_object_damaged"] * 4 + [None]
    assert moved.context("dog", token_budget=2_000).messages
    done = run_command(archived, "cold", "restore", "--user", "ana", "--json", check_code=1)
    assert json.loads(done.stdout)["damaged"] == [str(path.relative_to(folder))]
    assert moved.pop().content == "I work at Acme."
    erasures.forget(cold_pipeline.runtime, ANA)
    assert moved.history() == [] and objects(folder) == []


def test_a_missing_object_is_a_clear_error(moved, archived, folder):
    objects(folder)[0].unlink()
    assert {turn.away for turn in moved.history()} == {"cold_object_damaged"}
    url = f"file://{folder}"
    with pytest.raises(ColdObjectDamaged, match="missing"):
        object_store.open_store(url).get("nothing.jsonl.gz", digest="")


@pytest.mark.parametrize(
    "data",
    [b"", b"no gzip", files.encode([])[:-9], gzip.compress(b"[]\n", mtime=0), files.encode([{"a": 1}])],
    ids=["empty", "no gzip", "cut off", "no header", "no content"],
)
def test_a_file_of_another_form_is_damaged(data):
    with pytest.raises(ColdObjectDamaged):
        files.decode(data)


def test_while_the_store_is_away_history_says_so_and_nothing_is_lost(
    moved, archived, cold_pipeline, database, hot_store, folder
):
    elsewhere = folder.with_name(folder.name + "-away")
    folder.rename(elsewhere)
    try:
        moved.write("user", "I work at Acme.", occurred_at=OLD)
        with Pipeline(archived) as other:
            settle(other)
        assert hot_store.exists(keys.COLD_AWAY)
        assert [turn.away for turn in moved.history()] == ["cold_unavailable"] * 4 + [None]
        assert moved.history()[-1].content == "I work at Acme."
        assert moved.recall("dog", kinds=["fact"])
        assert not folder.exists()
        with pytest.raises(ColdUnavailable):
            exported(cold_pipeline)
        with pytest.raises(MemoryUnavailable, match="workers will complete"):
            erasures.forget(cold_pipeline.runtime, UserScope("default", "ana"))
        # A user without objects needs no store.
        assert erasures.forget(cold_pipeline.runtime, UserScope("default", "ben"))
    finally:
        elsewhere.rename(folder)
    assert len(objects(folder)) == 1
    erasures.run_erasure(cold_pipeline.runtime, ANA)
    assert objects(folder) == [] and contents(database) == []


def test_after_an_outage_the_move_is_done(cold_pipeline, archived, database, hot_store, folder):
    write_old(archived)
    settle(cold_pipeline)
    elsewhere = folder.with_name(folder.name + "-away")
    folder.rename(elsewhere)
    memory = write_old(archived, user="ben")
    settle(cold_pipeline)
    assert contents(database)[4:] == list(LINES)
    elsewhere.rename(folder)
    hot_store.delete(keys.COLD_AWAY)
    settle(cold_pipeline)
    assert contents(database) == [""] * 8
    assert [turn.content for turn in memory.history()] == list(LINES)


def test_a_server_that_does_not_answer_is_an_outage(settings, moved, monkeypatch):
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "secret-y",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    object_store.open_store.cache_clear()
    memory = MemoryClient("ana", "old", settings=with_settings(settings, cold_url="s3://bucket/afterturn"))
    assert {turn.away for turn in memory.history()} == {"cold_unavailable"}
    with pytest.raises(ColdUnavailable) as raised:
        object_store.open_store("s3://bucket/afterturn").put("a", b"x")
    assert "secret-y" not in str(raised.value)


def test_a_client_without_the_setting_says_that_the_texts_are_away(moved, settings):
    memory = MemoryClient("ana", "old", settings=settings)
    assert {turn.away for turn in memory.history()} == {"cold_unavailable"}


def test_an_object_that_is_restored_while_it_is_read_is_read_from_postgres(moved, cold_pipeline, archived, monkeypatch):
    real = object_store.ColdStore.get

    def get_late(self, key, *, digest):
        monkeypatch.setattr(object_store.ColdStore, "get", real)
        cold.restore(cold_pipeline.runtime, ANA)
        return real(self, key, digest=digest)

    monkeypatch.setattr(object_store.ColdStore, "get", get_late)
    assert [(turn.content, turn.away) for turn in moved.history()] == [(text, None) for text in LINES]


# Another model


@pytest.mark.usefixtures("restored_spaces")
def test_another_embedding_model_reads_moved_turns(cold_pipeline, archived, database):
    write_old(archived)
    write_old(archived, user="ben")
    settle_warm(cold_pipeline, archived)
    assert move(cold_pipeline) == 4
    database.execute("UPDATE users SET cold_due_at = now() + interval '1 hour'")
    with cold_pipeline.runtime.postgres.connection() as connection:
        switching.begin(connection, provider="hashing", model=hashing.MODEL, dimension=64, keeps_previous=False)
    cold_pipeline.settle()
    rows = database.execute(
        "SELECT user_id, array_agg(embedding::text ORDER BY item) FROM vectors WHERE kind = 'turn' "
        "AND space_id = (SELECT space_id FROM embedding_spaces WHERE state = 'serving') GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert [user for user, _ in rows] == ["ana", "ben"]
    assert rows[0][1] == rows[1][1] and len(rows[0][1]) == 4


# Commands


def test_the_commands(command, archived, database, folder, cold_pipeline):
    command.use(archived)
    write_old(archived)
    settle_warm(cold_pipeline, archived)
    before = command.json("cold", "status")
    assert (before["turns"], before["old_turns"], before["objects"]) == (0, 4, 0)
    assert command.json("cold", "run") == {"moved": 4, "users": 1, "left": 0}
    assert command.json("cold", "run") == {"moved": 0, "users": 0, "left": 0}
    after = command.json("cold", "status")
    assert (after["turns"], after["old_turns"], after["objects"], after["users"]) == (4, 0, 1, 1)
    assert after["file_bytes"] == objects(folder)[0].stat().st_size
    assert "4 turns of 1 users" in command("cold", "status").out
    assert "I live in Porto." in command("history", "ana", "--session", "old").out
    assert command("cold", "restore").code == 2
    assert command.json("cold", "restore", "--user", "ana") == {
        "restored": 4,
        "users": 1,
        "damaged": [],
    }
    assert command.json("cold", "restore", "--all")["restored"] == 0
    assert contents(database) == list(LINES) and objects(folder) == []
    # What was restored stays for a while.
    cold_pipeline.settle()
    assert database.execute("SELECT cold_due_at > now() + interval '23 hours' FROM users").fetchone() == (True,)
    assert contents(database) == list(LINES)


def test_a_command_without_a_store_names_the_setting(command, settings):
    done = command("cold", "run")
    assert done.code == 2 and "AFTERTURN_COLD_URL" in done.error
    with pytest.raises(SettingsError, match="AFTERTURN_COLD_URL"):
        from afterturn import settings as module

        module.load({"AFTERTURN_COLD_URL": "ftp://x"})


def test_ctrl_c_ends_a_run_cleanly(archived, cold_pipeline, database, monkeypatch, folder):
    memory = write_old(archived, lines=[f"I own {number} red bicycles." for number in range(2, 402)])
    settle_warm(cold_pipeline, archived)
    monkeypatch.setattr(cold, "TURNS_PER_OBJECT", 20)
    moved = []

    def on_moved(count):
        moved.append(count)
        if len(moved) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cold.move_old_turns(cold_pipeline.runtime, ANA, age_seconds=0, seconds=60, on_moved=on_moved)
    assert database.execute("SELECT count(*) FROM leases WHERE kind = 'cold'").fetchone() == (0,)
    assert len(objects(folder)) == 3
    assert move(cold_pipeline) == 340
    assert len(memory.history(400)) == 400 and all(turn.content for turn in memory.history(400))


def test_texts_of_every_kind_come_back_as_they_were(cold_pipeline, archived, database):
    texts = ("\u2028 line\nbreak\r\n", '"quoted" \\ back', "日本語 🙂", "x" * 200_000)
    memory = write_old(archived, lines=texts)
    settle_warm(cold_pipeline, archived)
    before = memory.history()
    assert move(cold_pipeline) == 4
    assert memory.history() == before
    assert [turn.content for turn in before] == list(texts)
    assert replace(before[0], away="x") != before[0]
