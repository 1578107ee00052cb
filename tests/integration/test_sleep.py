"""Scheduled consolidation on real servers: its changes, its calls, and that an unchanged memory costs nothing."""

from datetime import UTC, datetime

import pytest

from afterturn.errors import ModelUnavailable
from afterturn.pipeline.stages import sleep
from afterturn.scopes import UserScope
from afterturn.sleep import questions
from api_shim import MemoryClient
from harness.llm_server import LLMServer, answers
from harness.llm_server.prompt import kind_of, shown_statements
from harness.pipeline import Pipeline
from tests.integration.stored_facts import store, synthetic

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


def truthful(*pairs):
    """Return a judge that says of these (text, verdict, text) what the first is to the second, if both are shown."""

    def answer(request):
        if kind_of(request) != "judge":
            return None
        labels = {shown.text: shown.label for shown in shown_statements(request)}
        found = [
            (labels[one], verdict, labels[other]) for one, verdict, other in pairs if {one, other} <= labels.keys()
        ]
        return answers.judgement(*((one, other, verdict) for one, verdict, other in found))

    return answer


COLD = "Ana feels ill this week."


@pytest.fixture
def large_memory(settings, hot_store, database, monkeypatch):
    """A memory whose near facts do not fit into one judging call, and an LLM that knows one newer state."""
    monkeypatch.setattr(questions, "TOKENS_PER_QUESTION", 1_000)
    monkeypatch.setattr(questions, "TOKENS_PER_NEW_FACT", 30)
    with LLMServer(answer=truthful((COLD, "replaces", "Ana feels fine this week."))) as server:
        given = {"llm_base_url": server.base_url, "sleep_calls": 2, "threads": "rules"}
        with_llm = settings.model_copy(update=given)
        with Pipeline(with_llm) as pipeline:
            store(pipeline, database, [*synthetic(150, 24).texts, "Ana feels fine this week.", COLD])
            yield pipeline, server


def test_a_large_memory_is_judged_within_the_calls_of_each_run(large_memory, database):
    pipeline, server = large_memory
    calls_by_run = []
    while sleep.sleep(pipeline.runtime, ANA) is not None:
        calls_by_run.append(len(server.calls("judge")) - sum(calls_by_run))
        assert len(calls_by_run) < 10
    assert len(calls_by_run) > 1
    assert max(calls_by_run) == 2, "at most two calls per run"
    assert statuses(database)["Ana feels fine this week."] == "superseded judged"
    stages = database.execute("SELECT DISTINCT stage, session_id FROM llm_calls").fetchall()
    assert stages == [("sleep", None)]


def test_a_stored_judgement_is_not_requested_again(large_memory, database, monkeypatch):
    pipeline, server = large_memory
    with monkeypatch.context() as patched:
        patched.setattr(sleep.whole_memory, "write_tidying", _dies)
        with pytest.raises(SystemExit):
            sleep.sleep(pipeline.runtime, ANA)
    asked = len(server.calls("judge"))
    assert asked > 0
    database.execute("DELETE FROM leases")
    assert sleep.preview(pipeline.runtime, ANA).calls == 0, "its questions are answered"
    sleep.sleep(pipeline.runtime, ANA)
    assert len(server.calls("judge")) == asked
    assert sleep.preview(pipeline.runtime, ANA).calls > 0, "the calls of the next run"


def _dies(*arguments, **named):
    raise SystemExit


def test_a_run_waits_while_the_llm_is_unavailable(large_memory, database, monkeypatch):
    pipeline, _ = large_memory

    def fail(call, *, caller):
        raise ModelUnavailable()

    with monkeypatch.context() as patched:
        patched.setattr(pipeline.runtime.llm_breaker, "call", fail)
        assert sleep.sleep(pipeline.runtime, ANA) is None
    assert database.execute("SELECT count(*) FROM leases").fetchone() == (0,)
    assert database.execute("SELECT owes_sleep FROM users").fetchone() == (True,)
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
