"""Forgetting a user while their memory is being formed: at every step of every stage, and dying in the middle of it."""

import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import psycopg
import pytest

from afterturn import faults
from afterturn import settings as settings_module
from afterturn.database import counters, steps
from afterturn.embedding import hashing, switching
from afterturn.forgetting import erasures
from afterturn.local.stack import Stack
from afterturn.pipeline.stages import index, sleep
from afterturn.scopes import UserScope
from api_shim.cli.processes import COMMANDS
from harness.llm_server import LLMServer
from harness.pipeline import Pipeline
from tests import canary
from tests.integration.conftest import WORKERS

ANA = UserScope("default", "ana")
#: The stages that a memory goes through, and the points of each.
PASSED = [
    f"{stage}.{point}"
    for stage, points in faults.POINTS.items()
    # Those of the cold archive and of merges are walked in test_cold_archive.py and test_merging_users.py.
    if stage not in ("erase", "cold", "restore", "merge")
    for point in points
]
#: Between the reservation of a call and the call itself nothing can be looked up any more: what is sent then is sent.
ON_THEIR_WAY = [point for point in PASSED if point.endswith("call_reserved")]


@pytest.fixture(scope="module")
def llm_server():
    with LLMServer() as server:
        yield server


@pytest.fixture
def with_llm(settings, llm_server):
    llm_server.forget()
    given = {
        "llm_base_url": llm_server.base_url,
        "llm_api_key": "sk-test",
        "embedder": "hashing",
        # Two batches are enough for a digest that the LLM makes.
        "summary_run": 2,
    }
    return type(settings)(**settings.model_dump(exclude_unset=True) | given)


class Forgetting:
    """Forgets Ana once, from another thread, when the pipeline comes to a point: at once where it holds no lock.

    `lead_there` says and does what leads to the point.
    """

    def __init__(self, pipeline, database, point):
        self.receipt = None
        self._pipeline, self._database, self._point = pipeline, database, point
        self._thread = threading.Thread(target=self._forget)

    @property
    def is_begun(self):
        return self._thread.ident is not None

    def reach(self, point):
        if point == self._point and not self.is_begun:
            self._thread.start()
            self._thread.join(0.5)

    def lead_there(self, memory):
        """Go on, from the first batch, which there is: the judge is asked from the second one on."""
        self._pipeline.settle(seconds=40)
        if not self.is_begun:
            memory.write("user", f"{canary.WORD} is three years old.")
            self._pipeline.settle(seconds=40)
        if not self.is_begun:
            # More than one judging call can show: what is left of it is asked by night.
            memory.write_many({"role": "user", "content": _long(number)} for number in range(45))
            self._pipeline.settle(seconds=40)
            sleep.sleep(self._pipeline.runtime, ANA)
        if not self.is_begun:
            # A matter that returns becomes a thread.
            for day, what in enumerate(("rented", "opened", "sold"), 1):
                said_at = datetime(2024, 1, day, tzinfo=UTC)
                memory.write("user", f"{canary.WORD} {what} the pottery studio.", occurred_at=said_at)
            self._pipeline.settle(seconds=40)
            sleep.sleep(self._pipeline.runtime, ANA)
        if not self.is_begun:
            # As if a hundred batches had come since somebody looked.
            self._database.execute("UPDATE users SET indexed_user_seq = -100 WHERE user_id = 'ana'")
            index.index(self._pipeline.runtime, ANA)
        if not self.is_begun:
            with self._pipeline.runtime.postgres.connection() as connection:
                switching.begin(connection, provider="hashing", model=hashing.MODEL, dimension=64, keeps_previous=False)
            self._pipeline.settle(seconds=40)

    def _forget(self):
        self.receipt = erasures.forget(self._pipeline.runtime, ANA)

    def join(self):
        assert self.is_begun, "the point was never reached"
        self._thread.join(20)
        assert self.receipt is not None


def _long(number):
    return f"{canary.WORD} has toy number {number}, and likes it. " * 12


def ask_of(server, since):
    """Return what was asked of the models from a moment on."""
    return " ".join(request.body.decode() for request in server.requests if request.at > since)


@pytest.mark.usefixtures("restored_spaces")
@pytest.mark.parametrize("point", PASSED)
def test_forgotten_at_any_step(with_llm, llm_server, database, hot_store, monkeypatch, point):
    with Pipeline(with_llm) as pipeline:
        forgetting = Forgetting(pipeline, database, point)
        memory = canary.write_about(with_llm, "ana")
        other = canary.write_about(with_llm, "ben", word="Rex")
        monkeypatch.setattr(faults, "point", forgetting.reach)
        monkeypatch.setattr(index, "MIN_DOCUMENTS", 1)
        if point == "archive.enqueued":
            # In the task, which this pipeline leaves out.
            monkeypatch.setattr(pipeline.hints, "send", _then(pipeline.hints.send, lambda: forgetting.reach(point)))
        forgetting.lead_there(memory)
        forgetting.join()
        pipeline.settle(seconds=40)
        assert memory.recall("dog") == memory.history() == []
        assert canary.places(database, hot_store, canary.WORD) == []
        assert not any(canary.rows(database, tenant_id="default", user_id="ana").values())
        asked_later = ask_of(llm_server, forgetting.receipt.completed_at.timestamp())
        assert canary.WORD not in asked_later or point in ON_THEIR_WAY

        def has_fact():
            # An archive that comes to its time on a busy machine leaves the rest until its claim ends.
            pipeline.settle()
            return any(found.kind == "fact" for found in other.recall("dog"))

        wait_until(has_fact)
        # The same id begins anew.
        memory.write("user", "I own 3 green bicycles.")
        pipeline.settle(seconds=40)
        assert [turn.content for turn in memory.history()] == ["I own 3 green bicycles."]
        assert [found.kind for found in memory.recall("bicycles") if found.kind == "fact"] == ["fact"]
        assert canary.places(database, hot_store, canary.WORD) == []
        assert {hot_store.get(key) for key in hot_store.scan_iter("at:*:bytes")} == {b"0"}


def _then(first, second):
    def both(*arguments, **options):
        result = first(*arguments, **options)
        second()
        return result

    return both


def test_the_late_worker_s_writes_are_refused_and_counted(with_llm, llm_server, database, monkeypatch):
    late = (
        "extract.answer_received",
        "embed.vectors_received",
        "judge.answer_received",
        "consolidate.decided",
        "summarize.answer_received",
        "sleep.answer_received",
        "sleep.thread_answer_received",
    )
    with Pipeline(with_llm) as pipeline:
        for point in late:
            forgetting = Forgetting(pipeline, database, point)
            memory = canary.write_about(with_llm, "ana")
            monkeypatch.setattr(faults, "point", forgetting.reach)
            forgetting.lead_there(memory)
            forgetting.join()
        with pipeline.runtime.postgres.connection() as connection:
            counted = steps.run(connection, counters.read_counters())
    assert counted[counters.STALE_WRITES_REFUSED] + counted.get(counters.VERSION_CONFLICTS, 0) == len(late)


def test_no_lease_comes_just_behind_the_deletion_of_the_others(settings, pipeline, database, monkeypatch):
    """A claim that comes while the rows are deleted, and not committed yet, waits, and finds nobody."""
    canary.write_about(settings, "ana")
    pipeline.settle()
    claimed = []

    def claim():
        with pipeline.runtime.postgres.connection() as connection:
            claimed.append(pipeline.runtime.leases.claim(connection, ANA, "batch", "any"))

    late = threading.Thread(target=claim)

    def reach(point):
        if point == "erase.rows_deleted":
            late.start()
            late.join(0.5)
            assert claimed == []

    monkeypatch.setattr(faults, "point", reach)
    erasures.forget(pipeline.runtime, ANA)
    late.join(10)
    assert claimed == [None]
    assert database.execute("SELECT count(*) FROM leases").fetchone() == (0,)


def test_no_embedder_is_asked_about_somebody_forgotten(settings, pipeline, database, monkeypatch):
    asked = []

    class Embedder:
        model, dimension = "hashing", 1024

        def embed(self, texts):
            asked.extend(texts)
            return [[1.0] * 1024 for _ in texts]

    monkeypatch.setattr(pipeline.runtime, "embedder_of", lambda space: Embedder())
    forgetting = Forgetting(pipeline, database, "embed.after_claim")
    monkeypatch.setattr(faults, "point", forgetting.reach)
    canary.write_about(settings, "ana")
    pipeline.settle()
    forgetting.join()
    assert asked == []


def test_content_is_in_no_statistics(settings, database):
    """Whatever a column holds, only ids, times, numbers and fixed words may be sampled."""
    rows = database.execute(
        "SELECT DISTINCT a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid "
        "JOIN pg_tables AS t ON t.tablename = c.relname AND t.schemaname = 'public' "
        "JOIN pg_type AS y ON y.oid = a.atttypid "
        "WHERE a.attnum > 0 AND coalesce(nullif(a.attstattarget, -1), 100) <> 0 AND t.tablename NOT LIKE '%yoyo%' "
        "AND y.typname IN ('text', '_text', 'jsonb', 'json', 'tsvector', 'vector', 'bytea', 'varchar')"
    ).fetchall()
    harmless = {
        *("tenant_id", "user_id", "session_id", "turn_id", "agent_id", "item", "owner", "owner_hash", "actor"),
        *("action", "category", "cut_by", "kind", "model", "name", "outcome", "prompt_version", "provider", "role"),
        *("removed", "stage", "state", "status", "timezone"),
        *("checksum", "ended_because", "input_digest", "life", "migration_id", "origin", "reason", "said_by"),
        # Ids of facts, with fixed words.
        "relations",
    }
    assert {name for (name,) in rows} <= harmless
    # Of these names, some stand for content in one table and for something fixed in another.
    sampled = database.execute(
        "SELECT c.relname, a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid "
        "WHERE c.relname IN ('turns', 'episodes') AND a.attname IN ('name', 'outcome') AND a.attstattarget = 0"
    ).fetchall()
    assert sorted(sampled) == [("episodes", "outcome"), ("turns", "name")]
    reasons = database.execute(
        "SELECT c.relname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid "
        "WHERE c.relkind IN ('r', 'p') AND a.attname = 'reason' AND a.attstattarget IS DISTINCT FROM 0"
    ).fetchall()
    assert reasons == [("contradictions",)], "why a fact ended, a fixed word; all others may quote content"


def test_every_table_is_a_user_s_or_known_to_be_nobody_s(database):
    from afterturn.database import named_users, user_tables

    with psycopg.connect(database.info.dsn, password=database.info.password, row_factory=psycopg.rows.dict_row) as ours:
        found = user_tables.tables(ours)
    rows = database.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    nobodys = {name for (name,) in rows} - set(found)
    # Rows of some tables may name a user; forgetting removes the name (database/named_users.py).
    assert {name for name in nobodys if "yoyo" not in name} == {
        # Names of objects in `cold_deletions` contain a hash of the user.
        *("applied_migrations", "cold_deletions", "counters", "embedding_spaces"),
        *named_users.TABLES,
    }
    assert all(columns for columns in found.values())


@pytest.fixture
def llm_workers(with_llm, tmp_path):
    with Stack(with_llm, data_dir=tmp_path / "stack", commands=COMMANDS, names=WORKERS) as stack:
        yield stack


def cli(settings, *arguments, fault=""):
    """Run the command line as a process of its own."""
    variables = settings.model_dump(exclude_unset=True)
    for name in ("postgres_url", "llm_api_key"):
        if name in variables:
            variables[name] = variables[name].get_secret_value()
    environment = {f"{settings_module.PREFIX}{name.upper()}": str(value) for name, value in variables.items()}
    return subprocess.run(
        [sys.executable, "-m", "api_shim.cli.main", *arguments],
        env={**os.environ, **environment, **({faults.ENVIRONMENT_VARIABLE: fault} if fault else {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def wait_until(is_so, *, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_a_forget_that_is_killed_is_finished_by_the_workers(
    llm_workers, with_llm, llm_server, database, hot_store, tmp_path, postgres_server, redis_server
):
    for epoch, point in enumerate(faults.POINTS["erase"], 1):
        memory = canary.write_about(with_llm, "ana")
        memory.flush(wait_seconds=60)
        killed = cli(with_llm, "forget", "ana", "--yes", fault=f"erase.{point} kill {tmp_path / point}")
        assert killed.returncode == -9, killed
        wait_until(
            lambda: database.execute("SELECT count(*) FROM erasures WHERE completed_at IS NULL").fetchone() == (0,)
        )
        assert database.execute("SELECT max(epoch), count(*) FROM erasures").fetchone() == (epoch, epoch)
        assert memory.recall("dog") == memory.history() == []
        wait_until(lambda: canary.places(database, hot_store, canary.WORD, canary.ID) == [])
    done = time.time()
    time.sleep(2)
    assert canary.WORD not in ask_of(llm_server, done)
    assert canary.logs(llm_workers.data_dir, canary.WORD) == []
    for server in (postgres_server, redis_server):
        assert canary.logs(server.process.log_path.parent, canary.WORD) == []
    memory.write("user", "I own 3 green bicycles.")
    memory.flush(wait_seconds=60)
    assert [turn.content for turn in memory.history()] == ["I own 3 green bicycles."]
