"""One user becomes part of another, also while turns, batches and workers are under way."""

import contextlib
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from afterturn import faults
from afterturn.errors import MemoryUnavailable, MergeRefused, UserMerged
from afterturn.forgetting import erasures, merges
from afterturn.local import environment
from afterturn.local.stack import Stack
from afterturn.pipeline.stages import cold, merge
from afterturn.scopes import UserScope
from api_shim import MemoryClient
from api_shim.cli.processes import COMMANDS
from harness.pipeline import Pipeline
from tests import canary
from tests.integration.conftest import WORKERS

ANON, ANA, BEN = (UserScope("default", name) for name in ("anon-7", "ana", "ben"))
OLD = datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
POINTS = [f"merge.{point}" for point in faults.POINTS["merge"]]


def write(settings, user, *lines, session="chat", minute=0):
    memory = MemoryClient(user.user_id, session, settings=settings)
    for number, text in enumerate(lines):
        at = OLD + timedelta(minutes=minute + number)
        memory.write("user", text, turn_id=f"t{minute + number}", name="Ana", occurred_at=at)
    return memory


def merge_now(pipeline, source=ANON, target=ANA):
    return merge.merge_users(pipeline.runtime, source, target)


def rows_of(database, user):
    found = canary.rows(database, tenant_id=user.tenant_id, user_id=user.user_id)
    return {table: rows for table, rows in found.items() if rows}


def turns_of(database, user):
    rows = database.execute("SELECT content FROM turns WHERE user_id = %s ORDER BY 1", (user.user_id,)).fetchall()
    return [content for (content,) in rows]


def fact_texts(memory):
    return sorted(fact.text for fact in memory.facts(limit=100))


def test_turns_facts_and_summaries_are_the_targets(settings, pipeline, database, hot_store):
    write(settings, ANON, "I own 3 red bicycles.", "My dog is called Rex.", session="visit")
    ana = write(settings, ANA, "My cat is called Tom.", minute=5)
    pipeline.settle()
    receipt = merge_now(pipeline)
    assert receipt.completed_at is not None and receipt.moved["turns"] == 2 and receipt.moved["facts"] >= 2
    assert rows_of(database, ANON) == {}
    pipeline.settle()
    visit = MemoryClient("ana", "visit", settings=settings)
    assert [turn.content for turn in visit.history()] == ["I own 3 red bicycles.", "My dog is called Rex."]
    assert visit.summary() is not None
    assert any("Rex" in text for text in fact_texts(ana)) and any("Tom" in text for text in fact_texts(ana))
    assert [found.evidence[0].quote for found in ana.recall("dog", kinds=["fact"], limit=1)] == [
        "My dog is called Rex."
    ]
    assert {session.session_id for session in ana.sessions()} == {"chat", "visit"}
    assert MemoryClient("anon-7", "visit", settings=settings).history() == []
    [(seqs, highest)] = database.execute(
        "SELECT array_agg(user_seq ORDER BY user_seq), (SELECT next_user_seq FROM users) FROM batches"
    ).fetchall()
    assert len(set(seqs)) == len(seqs) and highest == seqs[-1] + 1
    assert database.execute("SELECT user_id FROM audit_log WHERE action = 'users.merge'").fetchall() == [("ana",)]


def test_duplicates_and_contradictions_are_resolved_by_the_usual_stages(settings, pipeline):
    write(settings, ANA, "I live in Porto.", "I own 3 red bicycles.")
    write(settings, ANON, "I own 3 red bicycles.", "I live in Lisbon.", minute=60)
    pipeline.settle()
    merge_now(pipeline)
    pipeline.settle()
    texts = fact_texts(MemoryClient("ana", settings=settings))
    assert sum("bicycles" in text for text in texts) == 1
    assert [text for text in texts if "live" in text.lower()] == ["Ana lives in Lisbon."]
    facts = MemoryClient("ana", settings=settings).recall("Where does Ana live?", kinds=["fact"], limit=1)
    assert "Lisbon" in facts[0].text


def test_sessions_with_the_same_id_do_not_collide(settings, pipeline, database):
    write(settings, ANON, "I own 3 red bicycles.")
    ana = write(settings, ANA, "My cat is called Tom.")
    pipeline.settle()
    receipt = merge_now(pipeline)
    [(old, new)] = receipt.sessions.items()
    assert old == "chat" and new != "chat" and "anon" not in new
    pipeline.settle()
    assert [turn.content for turn in ana.history()] == ["My cat is called Tom."]
    other = MemoryClient("ana", new, settings=settings)
    assert [turn.content for turn in other.history()] == ["I own 3 red bicycles."]
    assert any(found.session_id == new for found in ana.recall("bicycles", kinds=["turn"]))
    items = {item for (item,) in database.execute("SELECT item FROM vectors WHERE kind = 'turn'").fetchall()}
    assert items == {"chat/1", f"{new}/1"}
    # A writer with the old id goes on in the same conversation, and its retry is the same turn.
    write(settings, ANON, "I own 3 red bicycles.", "I own 4 boats.")
    pipeline.settle()
    assert [turn.content for turn in other.history()] == ["I own 3 red bicycles.", "I own 4 boats."]
    assert rows_of(database, ANON) == {}


def test_the_same_request_gets_the_same_receipt(settings, pipeline, database):
    write(settings, ANON, "I own 3 red bicycles.")
    pipeline.settle()
    receipt = merge_now(pipeline)
    write(settings, ANON, "I own 4 boats.", minute=3)
    pipeline.settle()
    assert merge_now(pipeline) == receipt
    assert database.execute("SELECT count(*) FROM audit_log WHERE action = 'users.merge'").fetchone() == (1,)


def test_what_cannot_be_merged_is_refused(settings, pipeline):
    write(settings, ANON, "I own 3 red bicycles.")
    pipeline.settle()
    for source, target in ((ANA, ANA), (UserScope("other", "anon-7"), ANA)):
        with pytest.raises(MergeRefused):
            merge_now(pipeline, source, target)
    merge_now(pipeline)
    for source, target in ((ANON, BEN), (ANA, ANON), (BEN, ANON)):
        with pytest.raises(MergeRefused):
            merge_now(pipeline, source, target)


def test_two_users_merged_into_each_other_at_once_become_one(settings, pipeline, database):
    write(settings, ANON, "I own 3 red bicycles.")
    write(settings, ANA, "I own 4 boats.")
    pipeline.settle()
    results = []

    def run(source, target):
        try:
            results.append(merge_now(pipeline, source, target).target_user)
        except MergeRefused:
            results.append(None)

    threads = [threading.Thread(target=run, args=pair) for pair in ((ANON, ANA), (ANA, ANON))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    [left] = [name for name in results if name is not None]
    assert results.count(None) == 1
    assert turns_of(database, UserScope("default", left)) == ["I own 3 red bicycles.", "I own 4 boats."]


def test_a_chain_of_merges_leads_to_the_last_user(settings, pipeline, database):
    write(settings, ANON, "I own 3 red bicycles.")
    write(settings, BEN, "I own 4 boats.")
    write(settings, ANA, "My cat is called Tom.")
    pipeline.settle()
    merge_now(pipeline, ANON, BEN)
    merge_now(pipeline, BEN, ANA)
    write(settings, ANON, "I own 5 kites.", minute=7)
    write(settings, BEN, "I own 6 skis.", minute=8)
    pipeline.settle()
    assert len(turns_of(database, ANA)) == 5
    assert rows_of(database, ANON) == rows_of(database, BEN) == {}
    histories = [
        [turn.content for turn in MemoryClient("ana", session.session_id, settings=settings).history()]
        for session in MemoryClient("ana", settings=settings).sessions()
    ]
    assert sorted(histories) == [
        ["I own 3 red bicycles.", "I own 5 kites."],
        ["I own 4 boats.", "I own 6 skis."],
        ["My cat is called Tom."],
    ]


def test_pending_turns_and_open_batches_move(settings, pipeline, database, hot_store):
    """One merge for each number of steps that the pipeline has done before."""
    for steps in range(8):
        anon, ana = (UserScope("default", f"{name}{steps}") for name in ("anon", "ana"))
        write(settings, ana, "My cat is called Tom.")
        write(settings, anon, "I own 3 red bicycles.")
        pipeline.sweep()
        for _ in range(min(steps, len(pipeline.hints.waiting))):
            pipeline.step()
        merge_now(pipeline, anon, ana)
        pipeline.settle()
        assert turns_of(database, ana) == ["I own 3 red bicycles.", "My cat is called Tom."]
        assert rows_of(database, anon) == {}
        texts = fact_texts(MemoryClient(ana.user_id, settings=settings))
        assert any("Tom" in text for text in texts) and any("bicycles" in text for text in texts)
        assert not [key for key in hot_store.scan_iter(f"at:*:default:{anon.user_id}:*") if b":ids:" not in key]


def test_a_writer_who_never_stops_loses_and_doubles_nothing(settings, pipeline, database):
    memory = MemoryClient("anon-7", "chat", settings=settings)
    stopped, written = threading.Event(), []

    def write_on():
        while not stopped.is_set():
            written.append(f"I own {len(written) + 2} boats.")
            memory.write("user", written[-1], turn_id=f"w{len(written)}")
            time.sleep(0.01)

    writer = threading.Thread(target=write_on)
    writer.start()
    try:
        with Pipeline(settings) as other:
            settler = threading.Thread(target=_settle_until, args=(other, stopped))
            settler.start()
            time.sleep(1)
            merge_now(pipeline)
            time.sleep(1)
            stopped.set()
            settler.join(60)
    finally:
        stopped.set()
        writer.join(20)
    pipeline.settle()
    assert turns_of(database, ANA) == sorted(written)
    assert rows_of(database, ANON) == {}
    assert [turn.content for turn in MemoryClient("ana", "chat", settings=settings).history(1000)] == written[-1000:]


def _settle_until(pipeline, stopped):
    while not stopped.is_set():
        pipeline.sweep()
        while pipeline.hints.waiting:
            pipeline.step()


def test_an_archive_that_began_before_the_merge_does_not_create_the_source_again(
    settings, pipeline, database, monkeypatch
):
    write(settings, ANON, "I own 3 red bicycles.")

    def reach(point):
        if point == "archive.entries_read":
            monkeypatch.setattr(faults, "point", lambda _: None)
            with Pipeline(settings) as other:
                merge_now(other)

    monkeypatch.setattr(faults, "point", reach)
    pipeline.settle()
    assert turns_of(database, ANA) == ["I own 3 red bicycles."]
    assert rows_of(database, ANON) == {}


def test_removal_by_the_old_id_reaches_the_moved_turn(settings, pipeline, database):
    write(settings, ANON, "My dog is called Rex.")
    pipeline.settle()
    merge_now(pipeline)
    MemoryClient("anon-7", "chat", settings=settings).remove("t0")
    pipeline.settle()
    ana = MemoryClient("ana", "chat", settings=settings)
    assert ana.history() == [] and not [text for text in fact_texts(ana) if "Rex" in text]


def test_edits_of_both_users_go_on(settings, pipeline):
    for user, text in ((ANON, "Ana likes tea."), (ANA, "Ana likes coffee.")):
        MemoryClient(user.user_id, settings=settings).add_fact(text)
    pipeline.settle()
    merge_now(pipeline)
    MemoryClient("anon-7", settings=settings).add_fact("Ana likes cocoa.")
    MemoryClient("ana", settings=settings).add_fact("Ana likes milk.")
    pipeline.settle()
    texts = fact_texts(MemoryClient("ana", settings=settings))
    assert [text for text in texts if "likes" in text] == [
        "Ana likes cocoa.",
        "Ana likes coffee.",
        "Ana likes milk.",
        "Ana likes tea.",
    ]


# Forgetting


def test_forgetting_the_target_forgets_what_was_written_for_the_source(settings, pipeline, database, hot_store):
    canary.write_about(settings, "anon-7")
    pipeline.settle()
    merge_now(pipeline)
    with pytest.raises(UserMerged):  # its documents; the turns are written
        canary.write_about(settings, "anon-7", session_id="later")
    erasures.forget(pipeline.runtime, ANA)
    assert canary.places(database, hot_store, canary.WORD) == []
    pipeline.settle()
    assert canary.places(database, hot_store, canary.WORD) == []
    assert database.execute("SELECT count(*) FROM user_merges").fetchone() == (0,)
    memory = write(settings, ANON, "I own 3 green bicycles.")
    pipeline.settle()
    assert [turn.content for turn in memory.history()] == ["I own 3 green bicycles."]


@pytest.mark.parametrize("point", POINTS)
def test_the_target_forgotten_in_the_middle_of_a_merge(settings, pipeline, database, hot_store, monkeypatch, point):
    canary.write_about(settings, "anon-7")
    pipeline.settle()
    thread = threading.Thread(target=erasures.forget, args=(pipeline.runtime, ANA))

    def reach(reached):
        if reached == point and thread.ident is None:
            thread.start()
            thread.join(0.5)

    monkeypatch.setattr(faults, "point", reach)
    with contextlib.suppress(MergeRefused, MemoryUnavailable):
        merge_now(pipeline)
    thread.join(20)
    assert thread.ident is not None and not thread.is_alive()
    pipeline.settle()
    assert canary.places(database, hot_store, canary.WORD) == []


def test_forgetting_the_source_afterwards_leaves_the_target(settings, pipeline, database):
    write(settings, ANON, "I own 3 red bicycles.")
    pipeline.settle()
    merge_now(pipeline)
    erasures.forget(pipeline.runtime, ANON)
    assert turns_of(database, ANA) == ["I own 3 red bicycles."]
    memory = write(settings, ANON, "I own 4 boats.")
    pipeline.settle()
    assert [turn.content for turn in memory.history()] == ["I own 4 boats."]
    assert turns_of(database, ANON) == ["I own 4 boats."]


def test_moved_turns_of_the_cold_archive(settings, hot_store, database):
    url = f"file://{canary.COLD_FOLDER}"
    own = type(settings)(**settings.model_dump(exclude_unset=True) | {"cold_url": url, "cold_after_days": 0})
    with Pipeline(own) as pipeline:
        canary.write_about(own, "anon-7", session_id="chat")
        write(own, ANA, "My cat is called Tom.")
        pipeline.settle()
        for user in (ANON, ANA):
            cold.move_old_turns(pipeline.runtime, user, age_seconds=0, seconds=60)
        before = [turn.content for turn in MemoryClient("anon-7", "chat", settings=own).history()]
        receipt = merge_now(pipeline)
        memory = MemoryClient("ana", receipt.sessions["chat"], settings=own)
        assert [turn.content for turn in memory.history()] == before
        erasures.forget(pipeline.runtime, ANON)
        assert [turn.content for turn in memory.history()] == before
        assert cold.restore(pipeline.runtime, ANA) == (3, [])
        assert [turn.content for turn in memory.history()] == before
        cold.move_old_turns(pipeline.runtime, ANA, age_seconds=0, seconds=60)
        erasures.forget(pipeline.runtime, ANA)
        assert canary.places(database, hot_store, canary.WORD) == []


# Crashes


@pytest.mark.parametrize("point", POINTS)
def test_killed_while_merging(settings, pipeline, database, hot_store, tmp_path, point):
    write(settings, ANON, "I own 3 red bicycles.")
    write(settings, ANA, "My cat is called Tom.")
    pipeline.settle()
    write(settings, ANON, "I own 4 boats.", minute=3)
    environ = environment.child_environment(settings)
    environ[faults.ENVIRONMENT_VARIABLE] = f"{point} kill {tmp_path}/fired"
    command = [sys.executable, "-m", "api_shim.cli.main", "users", "merge", "anon-7", "ana", "--yes"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done
    database.execute("UPDATE user_merges SET requested_at = now() - interval '1 minute'")
    pipeline.settle()
    with pipeline.runtime.postgres.connection() as connection:
        receipt = merges.read_receipt(connection, ANON)
    assert receipt.completed_at is not None
    assert turns_of(database, ANA) == ["I own 3 red bicycles.", "I own 4 boats.", "My cat is called Tom."]
    assert rows_of(database, ANON) == {}
    assert not list(hot_store.scan_iter("at:*:recent:default:anon-7:*"))
    texts = fact_texts(MemoryClient("ana", settings=settings))
    assert all(any(word in text for text in texts) for word in ("bicycles", "boats", "Tom"))


@pytest.mark.slow
def test_real_workers_complete_a_merge_whose_process_died(settings, database, tmp_path):
    write(settings, ANON, "I own 3 red bicycles.")
    write(settings, ANA, "My cat is called Tom.")
    with Stack(settings, data_dir=tmp_path / "stack", commands=COMMANDS, names=WORKERS), Pipeline(settings) as asking:
        _wait(lambda: len(turns_of(database, ANON)) == 1, seconds=60)
        with asking.runtime.postgres.connection() as connection:
            merges.request_merge(connection, ANON, ANA)
        write(settings, ANON, "I own 4 boats.", minute=3)
        ana = MemoryClient("ana", settings=settings)
        _wait(
            lambda: (
                len(turns_of(database, ANA)) == 3
                and all(any(word in text for text in fact_texts(ana)) for word in ("bicycles", "boats", "Tom"))
            ),
            seconds=60,
        )
        assert rows_of(database, ANON) == {}


def _wait(condition, *, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


# Doors


def test_the_command(settings, pipeline, command):
    write(settings, ANON, "I own 3 red bicycles.")
    pipeline.settle()
    command.use(settings)
    assert command("users", "merge", "anon-7", "ana").code == 2
    first = command.json("users", "merge", "anon-7", "ana", "--yes")
    assert (first["source_user"], first["target_user"], first["moved"]["turns"]) == ("anon-7", "ana", 1)
    assert command.json("users", "merge", "anon-7", "ana", "--yes") == first
    assert "merge_refused" in command("users", "merge", "anon-7", "ben", "--yes").error
    assert [user["user_id"] for user in command.json("users")] == ["ana"]


def test_http(settings, pipeline, api):
    write(settings, ANON, "I own 3 red bicycles.")
    pipeline.settle()
    answer = api.post("/v1/users/ana/merges", json={"source": "anon-7"})
    assert answer.status_code == 202, answer.text
    requested = answer.json()
    assert requested["status"] == "requested"
    merge.merge(pipeline.runtime, ANON)
    done = api.get(f"/v1/users/ana/{answer.headers['location']}").json()
    assert done["status"] == "completed" and done["moved"]["turns"] == 1
    assert api.post("/v1/users/ana/merges", json={"source": "anon-7"}).json() == done
    refused = api.post("/v1/users/ben/merges", json={"source": "anon-7"})
    assert (refused.status_code, refused.json()["code"]) == (409, "merge_refused")
    assert api.get(f"/v1/users/ben/{answer.headers['location']}").status_code == 404


def test_documents_of_agent_state_move(settings, pipeline, database, hot_store):
    anon = MemoryClient("anon-7", "chat", agent_id="bot", settings=settings)
    ana = MemoryClient("ana", "chat", agent_id="bot", settings=settings)
    anon.write("user", "I own 3 red bicycles.")
    ana.write("user", "My cat is called Tom.")
    anon.state.put("cart", ["bicycle"])
    anon.state.put("language", "en")
    anon.state.put("step", 3, scope="session")
    ana.state.put("language", "pt")
    assert ana.state.get("cart") == (None, 0)  # from now on Redis knows that she has none
    pipeline.settle()
    receipt = merge_now(pipeline)
    assert ana.state.get("cart") == (["bicycle"], 1)
    assert ana.state.get("language") == ("pt", 1)
    assert ana.state.put("cart", [], expected=1) == 2
    assert list(receipt.sessions) == ["chat"]
    moved = MemoryClient("ana", receipt.sessions["chat"], settings=settings)
    assert moved.state.get("step", scope="session") == (3, 1)
    assert receipt.moved["agent_states.kept"] == 1
    assert rows_of(database, ANON) == {}
    assert [key for key in hot_store.keys("*") if b"anon-7" in key] == []
