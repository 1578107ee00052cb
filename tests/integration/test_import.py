"""`afterturn import` beside live turns: few batches at a time, never in the way, stopped and started again."""

import os
import random
import signal
import subprocess
import sys
import threading

import pytest

from afterturn.local import environment
from api_shim import MemoryClient
from harness.pipeline import Pipeline
from harness.waiting import wait_until
from tests.old_turns import count, line, many


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


def test_imported_batches_are_limited_and_only_one_is_open_while_a_live_batch_waits(
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
    assert count(database, "batches", "cut_by = 'import'") == 5
    pipeline.sweep()
    assert count(database, "batches", "cut_by = 'import'") == 5
    # Redis does not keep imported turns for recall.
    assert hot_store.keys("at:*:recent:user0:*") == []
    pipeline.settle()
    sizes = database.execute("SELECT DISTINCT last_position - first_position + 1 FROM batches WHERE cut_by = 'import'")
    assert sizes.fetchall() == [(30,)]
    assert count(database, "imported_runs") == 0


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
    wait_until(lambda: count(database, "turns") >= 500, seconds=60, every=0.02)
    # The same user, who has thousands of old turns, and another one.
    for user_id in ("user0", "ben"):
        MemoryClient(user_id, "today", settings=settings).write("user", "My cat is called Mia.")
    wait_until(lambda: count(database, "facts", "session_id = 'today'") >= 2, seconds=60, every=0.02)
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
    wait_until(lambda: process.poll() is not None or count(database, "turns") >= 300, seconds=60, every=0.02)
    assert process.poll() is None
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    if number == signal.SIGINT:
        assert "run the same command to continue" in error
        assert "Traceback" not in error
    assert count(database, "turns") < 1_500
    ended = command("import", file)
    assert ended.code == 0
    wait_until(lambda: count(database, "turns") >= 1_500, seconds=60)
    assert database.execute("SELECT count(*), count(DISTINCT (user_id, turn_id)) FROM turns").fetchone() == (
        1_500,
        1_500,
    )
