"""`afterturn import`: every turn is stored once, at its own time, and live turns are not delayed."""

import io
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from afterturn.local import environment
from api_shim import MemoryClient
from harness.pipeline import Pipeline


@pytest.fixture
def write_file(tmp_path):
    def write(*lines, name="old.jsonl"):
        path = tmp_path / name
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return str(path)

    return write


def line(content, *, user="ana", session="old", at="2023-05-08T13:56:00+00:00", **more):
    return {"user": user, "session": session, "role": "user", "content": content, "at": at} | more


def many(count, *, users=1):
    return [
        line(f"I own {number + 2} red bicycles.", user=f"user{number % users}", session=f"old{number // 500}")
        for number in range(count)
    ]


@pytest.fixture
def archiving(pipeline):
    """Run the pipeline in its own thread while the command runs in the test's thread."""
    stopped = threading.Event()
    failures = []

    def work():
        try:
            while not stopped.is_set():
                pipeline.sweep()
                while pipeline.hints.waiting and not stopped.is_set():
                    pipeline.step()
                stopped.wait(0.02)
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stopped.set()
    thread.join()
    assert failures == []


def count(database, table, condition="true"):
    return database.execute(f"SELECT count(*) FROM {table} WHERE {condition}").fetchone()[0]


def wait_until_processed(database, *, turns):
    """Wait until this many turns are archived and all of them are processed."""
    deadline = time.monotonic() + 60
    while (
        count(database, "turns") < turns
        or count(database, "imported_runs")
        or count(database, "batches", "state IN ('pending', 'extracted')")
    ):
        assert time.monotonic() < deadline, "the import does not end"
        time.sleep(0.05)


def test_importing_twice_adds_nothing(command, archiving, database, write_file):
    file = write_file(*many(120, users=3), line("The same."), line("The same."))
    first = command("import", file)
    assert (first.code, "122 turns in 4 sessions" in first.out) == (0, True)
    assert "122 turns written, 0 already existed" in first.out
    wait_until_processed(database, turns=122)
    facts = count(database, "facts")
    again = command("import", file)
    assert (again.code, "0 turns written, 122 already existed" in again.out) == (0, True)
    wait_until_processed(database, turns=122)
    assert (count(database, "turns"), count(database, "facts")) == (122, facts)


def test_dates_are_kept_and_the_later_value_is_current(command, pipeline, settings, database, write_file):
    MemoryClient("ana", "today", settings=settings).write("user", "I live in Porto.")
    pipeline.settle()
    file = write_file(line("I live in Lisbon."), line("I started a new job yesterday."), line("I own a red bicycle."))
    assert command("import", file).code == 0
    pipeline.settle()
    turns = database.execute("SELECT DISTINCT occurred_at::date::text FROM turns WHERE session_id = 'old'").fetchall()
    assert turns == [("2023-05-08",)]
    facts = dict(database.execute("SELECT text, said_at::date::text FROM facts WHERE session_id = 'old'").fetchall())
    assert facts
    assert set(facts.values()) == {"2023-05-08"}
    status = database.execute("SELECT status FROM facts WHERE value IN ('Lisbon', 'Porto') ORDER BY said_at").fetchall()
    assert status == [("superseded",), ("current",)]


def test_invalid_lines_are_reported_and_nothing_is_imported(command, archiving, database, write_file):
    file = write_file(line("I live in Porto."), line("SECRET", at="yesterday"), line("SECRET", role="SECRET"))
    ended = command("import", file)
    assert ended.code == 2
    assert "line 2: [invalid_at]" in ended.error
    assert "line 3: [invalid_role]" in ended.error
    assert "2 invalid lines: invalid_at 1, invalid_role 1" in ended.error
    assert "SECRET" not in ended.error + ended.out
    assert "nothing was imported" in ended.error
    dry = command("import", file, "--dry-run", "--skip-invalid")
    assert (dry.code, count(database, "turns")) == (2, 0)
    skipped = command("import", file, "--skip-invalid")
    assert (skipped.code, "1 turns written" in skipped.out) == (2, True)
    wait_until_processed(database, turns=1)
    assert count(database, "turns") == 1


def test_a_dry_run_needs_no_server_and_writes_nothing(command, database, write_file, monkeypatch):
    monkeypatch.setenv("AFTERTURN_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("AFTERTURN_POSTGRES_URL", "postgresql://127.0.0.1:1/none")
    ended = command("import", write_file(*many(30)), "--dry-run")
    assert (ended.code, "dates from 2023-05-08 to 2023-05-08" in ended.out) == (0, True)
    away = command("import", write_file(*many(30)))
    assert (away.code, "memory_unavailable" in away.error) == (2, True)


def test_lines_can_come_through_a_pipe_without_user_and_session(command, archiving, database, monkeypatch):
    said = {"role": "user", "content": "I live in Porto.", "at": "2023-05-08T13:56:00Z"}
    source = SimpleNamespace(buffer=io.BytesIO(json.dumps(said).encode()), isatty=lambda: False)
    monkeypatch.setattr(sys, "stdin", source)
    assert command("import", "-", "--user", "ana", "--session", "old", "--tenant", "t").code == 0
    wait_until_processed(database, turns=1)
    assert database.execute("SELECT tenant_id, user_id, session_id FROM turns").fetchall() == [("t", "ana", "old")]


def test_imported_batches_are_limited_and_none_is_cut_while_a_live_batch_waits(
    command, pipeline, settings, hot_store, database, write_file
):
    assert command("import", write_file(*many(240))).code == 0
    pipeline.sweep()
    pipeline.step()  # archives; the next sweep cuts
    assert (count(database, "turns"), count(database, "batches")) == (240, 0)
    assert command.json("status")["imports"] == {"turns": 240}
    MemoryClient("ben", settings=settings).write("user", "I live in Porto.")
    pipeline.sweep()
    archive = [hint for hint in pipeline.hints.waiting if hint[0] == "archive"]
    assert count(database, "batches", "cut_by = 'import'") == settings.max_open_import_batches == 4
    pipeline.sweep()
    assert count(database, "batches", "cut_by = 'import'") == 4
    for stage, arguments in archive:
        pipeline.do(stage, *arguments)
    pipeline.sweep()  # ben's turn becomes a batch that is not extracted yet
    assert count(database, "batches", "cut_by <> 'import'") == 1
    database.execute("UPDATE batches SET state = 'applied', applied_at = now() WHERE cut_by = 'import'")
    pipeline.sweep()
    assert count(database, "batches", "cut_by = 'import'") == 4
    # Redis does not keep imported turns for recall.
    assert hot_store.keys("at:*:recent:user0:*") == []
    pipeline.settle()
    sizes = database.execute("SELECT DISTINCT last_position - first_position + 1 FROM batches WHERE cut_by = 'import'")
    assert sizes.fetchall() == [(30,)]
    assert count(database, "imported_runs") == 0


def test_imported_turns_are_older_than_live_turns_written_before(command, pipeline, settings, database, write_file):
    MemoryClient("ana", "today", settings=settings).write("user", "I live in Porto.")
    pipeline.settle()
    old = line("I live in Lisbon.")
    assert command("import", write_file(old)).code == 0
    pipeline.settle()
    newest = MemoryClient("ana", "another", settings=settings).recall()
    assert [memory.text for memory in newest] == ["I live in Porto.", "I live in Lisbon."]


def test_live_turns_of_the_same_session_do_not_wait_for_the_import(command, pipeline, settings, database, write_file):
    memory = MemoryClient("user0", "old0", settings=settings)
    memory.write("user", "I live in Lisbon.")
    assert command("import", write_file(*many(300))).code == 0
    memory.write("user", "I live in Porto.")
    for _ in range(2):
        pipeline.sweep()
        for hint in [hint for hint in pipeline.hints.waiting if hint[0] == "archive"]:
            pipeline.do("archive", *hint[1])
        pipeline.hints.waiting.clear()
    order = database.execute("SELECT first_position, last_position, cut_by FROM batches ORDER BY user_seq").fetchall()
    assert [row for row in order if row[2] != "import"] == [(1, 1, "due"), (302, 302, "due")]
    database.execute("UPDATE batches SET hinted_at = NULL")
    pipeline.settle()
    spans = database.execute("SELECT first_position, last_position FROM batches ORDER BY 1").fetchall()
    assert [first for first, _ in spans[1:]] == [last + 1 for _, last in spans[:-1]]
    assert (spans[0][0], spans[-1][1]) == (1, 302)


def test_a_live_turn_becomes_a_fact_before_the_import_is_done(command, archiving, settings, database, write_file):
    imported = threading.Thread(target=command, args=("import", write_file(*many(3_000))))
    imported.start()
    while count(database, "turns") < 500:
        time.sleep(0.02)
    # The same user, who has thousands of old turns, and another one.
    for user_id in ("user0", "ben"):
        MemoryClient(user_id, "today", settings=settings).write("user", "My cat is called Mia.")
    deadline = time.monotonic() + 60
    while count(database, "facts", "session_id = 'today'") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    [(left,)] = database.execute("SELECT sum(last_position - first_position + 1) FROM imported_runs").fetchall()
    assert imported.is_alive() or left > 1_000
    imported.join()


def test_imports_may_use_half_of_the_daily_tokens(command, pipeline, settings, database, write_file):
    database.execute(
        "INSERT INTO llm_calls (tenant_id, user_id, call_id, stage, model, prompt_tokens, ended_at)"
        " VALUES ('default', 'user0', gen_random_uuid(), 'extract', 'm', 50000, now())"
    )
    assert command("import", write_file(*many(90), line("I own a red bicycle.", user="ben"))).code == 0
    with Pipeline(settings.model_copy(update={"user_daily_tokens": 100_000})) as limited:
        limited.settle()
    assert database.execute("SELECT user_id, state FROM batches").fetchall() == [("ben", "applied")]
    pipeline.settle()
    assert count(database, "batches", "user_id = 'user0' AND state = 'applied'") == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_import_continues_where_it_stopped(
    command, archiving, settings, database, write_file, number, tmp_path
):
    lines = many(1_500, users=2)
    random.Random(1).shuffle(lines)
    file = write_file(*lines)
    process = subprocess.Popen(
        [sys.executable, "-m", "api_shim.cli.main", "import", file],
        env=os.environ | environment.child_environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while count(database, "turns") < 300:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    _, error = process.communicate(timeout=30)
    assert process.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    if number == signal.SIGINT:
        assert "run the same command to continue" in error
        assert "Traceback" not in error
    assert count(database, "turns") < 1_500
    ended = command("import", file)
    assert ended.code == 0
    deadline = time.monotonic() + 60
    while count(database, "turns") < 1_500:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert database.execute("SELECT count(*), count(DISTINCT (user_id, turn_id)) FROM turns").fetchone() == (
        1_500,
        1_500,
    )


def test_forgetting_a_user_during_an_import_forgets_all_turns(command, pipeline, database, write_file):
    assert command("import", write_file(*many(300, users=2))).code == 0
    for _ in range(3):
        pipeline.sweep()
        pipeline.step()
    assert count(database, "imported_runs", "user_id = 'user0'") == 1
    assert command("forget", "user0", "--yes").code == 0
    pipeline.settle()
    for table in ("turns", "imported_runs", "batches", "facts"):
        assert count(database, table, "user_id = 'user0'") == 0
    assert count(database, "batches", "user_id = 'user1' AND state = 'applied'") == 5
