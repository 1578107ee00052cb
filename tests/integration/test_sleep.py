"""Scheduled consolidation on real servers: its changes, its calls, and that an unchanged memory costs nothing."""

from datetime import UTC, datetime

import pytest

from afterturn.consolidation import judgement
from afterturn.errors import ModelUnavailable
from afterturn.pipeline.stages import sleep
from afterturn.scopes import UserScope
from api_shim import MemoryClient
from harness.llm_server import LLMServer
from harness.llm_server.prompt import kind_of, user_text
from harness.pipeline import Pipeline

ANA = UserScope("default", "ana")

#: Number of row writes in all tables.
ROW_WRITES = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) AS written FROM pg_stat_user_tables"


def remember(memory, pipeline, *texts):
    for text in texts:
        memory.write("user", text, name="Ana", occurred_at=datetime(2024, 1, 1, tzinfo=UTC))
        pipeline.settle()


def row_writes(database):
    database.execute("SELECT pg_stat_force_next_flush()")
    database.execute("SELECT pg_stat_clear_snapshot()")
    return database.execute(ROW_WRITES).fetchone()[0]


def add_fact(database, text, *, day, **columns):
    """Insert a fact without a batch."""
    given = {"text": text, "said_at": datetime(2024, 1, day, tzinfo=UTC)} | columns
    names = ", ".join(given)
    database.execute(
        f"INSERT INTO facts (tenant_id, user_id, fact_id, batch_id, session_id, category, importance, {names}) "
        f"VALUES ('default', 'ana', gen_random_uuid(), gen_random_uuid(), 's', 'other', 0.5, "
        f"{', '.join(['%s'] * len(given))})",
        list(given.values()),
    )
    database.execute("UPDATE users SET version = version + 1")


def statuses(database):
    return dict(database.execute("SELECT text, status || coalesce(' ' || ended_because, '') FROM facts").fetchall())


def test_a_run_merges_ends_and_promotes_facts_and_the_next_run_has_nothing_to_do(settings, pipeline, database):
    remember(MemoryClient("ana", settings=settings), pipeline, "I live in Porto.", "I like tea.")
    add_fact(database, "ana likes  TEA.", day=2, times_seen=2)
    add_fact(database, "Ana lives in Faro.", day=3, subject="Ana", attribute="lives_in", value="Faro")
    add_fact(database, "Ana plans to travel.", day=3, said_valid_to=datetime(2024, 2, 1, tzinfo=UTC))
    done = sleep.sleep(pipeline.runtime, ANA)
    assert len(done.ended_facts) == 3
    assert statuses(database) == {
        "Ana lives in Porto.": "superseded newer_value",
        "Ana lives in Faro.": "current",
        "Ana likes tea.": "current",
        "ana likes  TEA.": "superseded merged",
        "Ana plans to travel.": "superseded expired",
    }
    assert database.execute("SELECT times_seen, said_at FROM facts WHERE text = 'Ana likes tea.'").fetchone() == (
        3,
        datetime(2024, 1, 2, tzinfo=UTC),
    )
    assert sleep.sleep(pipeline.runtime, ANA) is None


def test_an_unchanged_memory_costs_nothing(settings, pipeline, database):
    remember(MemoryClient("ana", settings=settings), pipeline, "I live in Porto.", "I like tea.")
    assert sleep.sleep(pipeline.runtime, ANA) is not None
    before = row_writes(database)
    assert sleep.sleep(pipeline.runtime, ANA) is None
    assert row_writes(database) == before
    assert database.execute("SELECT count(*) FROM llm_calls").fetchone() == (0,)


def test_the_sweep_enqueues_only_users_whose_run_is_due(settings, hot_store, database):
    with Pipeline(settings.model_copy(update={"sleep_seconds": 3_600.0})) as pipeline:
        remember(MemoryClient("ana", settings=settings), pipeline, "I like tea.")
        assert pipeline.sweep()["sleep"] == 0
        database.execute("UPDATE users SET slept_at = now() - interval '2 hours'")
        assert pipeline.sweep()["sleep"] == 1
        pipeline.settle()
        assert database.execute("SELECT owes_sleep FROM users").fetchone() == (False,)
        database.execute("UPDATE users SET slept_at = now() - interval '2 hours'")
        assert pipeline.sweep()["sleep"] == 0


def replaces(*pairs):
    """Return a judge's answer that says of these pairs (older text, newer text) that the newer replaces the older."""

    def answer(request):
        if kind_of(request) != "judge":
            return None
        labels = {
            line.split(": ", 1)[1]: line.split(" ", 1)[0] for line in user_text(request).split("\n") if ": " in line
        }
        found = [(labels[new], labels[old]) for old, new in pairs if old in labels and new in labels]
        return {"pairs": [{"first": new, "second": old, "verdict": "replaces"} for new, old in found]}

    return answer


@pytest.fixture
def large_memory(settings, hot_store, database):
    """A memory with more facts than fit into one judging call, and an LLM that knows one contradiction."""
    with LLMServer(answer=replaces(("Ana feels fine.", "Ana has caught a cold."))) as server:
        with_llm = settings.model_copy(update={"llm_base_url": server.base_url, "sleep_calls": 3})
        with Pipeline(with_llm) as pipeline:
            database.execute("INSERT INTO users (tenant_id, user_id) VALUES ('default', 'ana')")
            for number in range(judgement.MAX_KNOWN_FACTS):
                add_fact(database, f"Ana owns book {number}.", day=1)
            add_fact(database, "Ana feels fine.", day=2)
            add_fact(database, "Ana has caught a cold.", day=3)
            yield pipeline, server


def test_contradictions_of_a_large_memory_are_judged_within_the_calls_of_each_run(large_memory, database):
    pipeline, server = large_memory
    calls_by_run = []
    while sleep.sleep(pipeline.runtime, ANA) is not None:
        calls_by_run.append(len(server.calls("judge")) - sum(calls_by_run))
        assert len(calls_by_run) < 10
    assert calls_by_run == [3, 3, 3, 3, 3, 1], "152 facts, ten per call, three calls per run"
    assert statuses(database)["Ana feels fine."] == "superseded judged"
    stages = database.execute("SELECT DISTINCT stage, session_id FROM llm_calls").fetchall()
    assert stages == [("sleep", None)]


def test_a_stored_judgement_is_not_requested_again(large_memory, database, monkeypatch):
    pipeline, server = large_memory
    monkeypatch.setattr(sleep.whole_memory, "write_tidying", _dies)
    with pytest.raises(SystemExit):
        sleep.sleep(pipeline.runtime, ANA)
    monkeypatch.undo()
    assert len(server.calls("judge")) == 3
    database.execute("DELETE FROM leases")
    preview = sleep.preview(pipeline.runtime, ANA)
    assert preview.calls == 3, "the calls of the next run; those of this run are answered"
    sleep.sleep(pipeline.runtime, ANA)
    assert len(server.calls("judge")) == 6


def _dies(*arguments, **named):
    raise SystemExit


def test_a_run_waits_while_the_llm_is_unavailable(large_memory, database, monkeypatch):
    pipeline, _ = large_memory

    def fail(call, *, caller):
        raise ModelUnavailable()

    monkeypatch.setattr(pipeline.runtime.llm_breaker, "call", fail)
    assert sleep.sleep(pipeline.runtime, ANA) is None
    assert database.execute("SELECT count(*) FROM leases").fetchone() == (0,)
    assert database.execute("SELECT owes_sleep FROM users").fetchone() == (True,)
    monkeypatch.undo()
    assert sleep.sleep(pipeline.runtime, ANA) is not None


def test_the_command_has_a_dry_run(settings, pipeline, database, command):
    remember(MemoryClient("ana", settings=settings), pipeline, "I like tea.")
    add_fact(database, "ana likes  TEA.", day=2)
    shown = command("consolidate", "--user", "ana", "--dry-run")
    assert "merged: ana likes TEA." in shown.out
    assert statuses(database)["ana likes  TEA."] == "current"
    assert command("consolidate", "--user", "ana").out == shown.out
    assert statuses(database)["ana likes  TEA."] == "superseded merged"
    assert command("consolidate", "--user", "ana").out == "Nothing has changed since the last time.\n"
