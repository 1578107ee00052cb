"""Threads with an LLM behind real HTTP: written once, verified, and never saying what is no longer believed."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from afterturn import AsyncMemoryClient, faults
from afterturn.database import counters
from afterturn.forgetting import erasures, export
from afterturn.local import environment
from afterturn.pipeline.stages import merge as merging
from afterturn.pipeline.stages import sleep
from afterturn.scopes import UserScope
from api_shim import MemoryClient
from api_shim.http.app import create_app
from harness.llm_server import LLMServer, answers, prompt
from harness.pipeline import Pipeline
from harness.waiting import wait_until
from tests.integration.related import answering

ROOT = Path(__file__).parents[2]
ANA = UserScope("default", "ana")
#: Runs one user's sleep in a process of its own, which a fault may kill.
ONE_SLEEP = """
from afterturn.pipeline import runtime
from afterturn.pipeline.stages import merge as merging
from afterturn.pipeline.stages import sleep
from afterturn.scopes import UserScope
sleep.sleep(runtime.current(), UserScope("default", "ana"))
"""
#: What Ana says of her studio, by day; what she says besides has nothing to do with it.
STUDIO = {
    "2023-01-20": "Ana looks for a place for her dance studio.",
    "2023-04-03": "Ana signed the lease of the dance studio.",
    "2023-06-20": "Ana opened the dance studio.",
    "2023-07-01": "Ana teaches dance classes in her studio twice a week.",
}
OTHER = {
    "2023-01-21": "Ana has a brother in Faro.",
    "2023-02-02": "Ana reads novels by Saramago.",
    "2023-03-10": "Ana dislikes coffee.",
    "2023-05-05": "Ana plays chess with Rui.",
}


def one_fact_each(request):
    """One fact for each turn, in its words."""
    shown = prompt.shown_turns(request)
    if not shown:
        return None
    facts = [answers.fact(turn.content, [(turn.number, turn.content)], subject="Ana") for turn in shown]
    return {"facts": facts, "episode": None}


@pytest.fixture
def llm_server():
    with LLMServer(answer=one_fact_each) as server:
        yield server


@pytest.fixture
def with_llm(settings, llm_server):
    given = {"llm_base_url": llm_server.base_url, "llm_api_key": "sk-test", "retry_seconds": 0.05, "lease_seconds": 1}
    return type(settings)(**settings.model_dump(exclude_unset=True) | given)


@pytest.fixture
def pipeline(with_llm, hot_store):
    with Pipeline(with_llm) as opened:
        yield opened


@pytest.fixture
def memory(with_llm):
    return MemoryClient("ana", "chat", settings=with_llm)


def say(memory, pipeline, said):
    """Say things, each on its day; return the ids of the turns."""
    turn_ids = [
        memory.write("user", text, name="Ana", occurred_at=datetime.fromisoformat(f"{day}T12:00:00+00:00"))
        for day, text in said.items()
    ]
    pipeline.settle()
    return turn_ids


def fact_ids(memory, *texts):
    by_text = {fact.text: fact.fact_id for fact in memory.facts(include_superseded=True)}
    return [by_text[text] for text in texts]


def written(*steps, state=None, title="Studio", matter=1):
    """Return an answer: each step as (text, numbers of facts)."""
    return {
        "threads": [
            {
                "matter": matter,
                "title": title,
                "steps": [{"text": text, "facts": list(facts)} for text, facts in steps],
                "state": None if state is None else {"text": state[0], "facts": list(state[1])},
            }
        ]
    }


STUDIO_ANSWER = written(
    ("looked for a place in January 2023", [1]),
    ("signed the lease on 3 April", [2]),
    ("opened on 20 June", [3]),
    state=("teaches dance classes twice a week", [4]),
)
STUDIO_TEXT = (
    "Studio: looked for a place in January 2023; signed the lease on 3 April; opened on 20 June; "
    "now: teaches dance classes twice a week"
)


def sleeps(pipeline):
    return sleep.sleep(pipeline.runtime, ANA)


@pytest.fixture
def studio(memory, pipeline, llm_server):
    """A memory with one thread; the ids of the turns that it rests on."""
    say(memory, pipeline, OTHER)
    turn_ids = say(memory, pipeline, STUDIO)
    llm_server.forget()
    llm_server.queue(STUDIO_ANSWER, on="thread")
    sleeps(pipeline)
    return turn_ids


def texts(memory):
    return [thread.text for thread in memory.threads()]


def test_a_matter_that_returns_becomes_one_line_whose_steps_rest_on_facts(memory, studio, llm_server):
    [thread] = memory.threads()
    assert thread.text == STUDIO_TEXT
    assert thread.fact_ids == tuple(fact_ids(memory, *STUDIO.values()))
    assert [str(step.day) for step in thread.steps] == ["2023-01-20", "2023-04-03", "2023-06-20"]
    assert not thread.is_by_rules
    [call] = llm_server.calls("thread")
    assert prompt.user_text(call.json).split("\n") == [
        "M1",
        "F1 (2023-01-20, now): Ana looks for a place for her dance studio.",
        "F2 (2023-04-03, now): Ana signed the lease of the dance studio.",
        "F3 (2023-06-20, now): Ana opened the dance studio.",
        "F4 (2023-07-01, now): Ana teaches dance classes in her studio twice a week.",
    ]


def test_an_unchanged_matter_costs_nothing(memory, pipeline, studio, llm_server, database):
    sleeps(pipeline)
    say(memory, pipeline, {"2023-08-01": "Ana visited Madrid."})
    say(memory, pipeline, {"2023-08-02": "Ana opened the dance studio."})
    before = memory.threads()
    assert sleeps(pipeline) is not None, "the memory has changed"
    assert len(llm_server.calls("thread")) == 1
    assert memory.threads() == before
    stages = dict(database.execute("SELECT stage, count(*) FROM llm_calls GROUP BY stage").fetchall())
    assert stages["thread"] == 1
    assert database.execute("SELECT count(*) FROM thread_answers").fetchone() == (0,)


def test_a_matter_with_a_new_fact_is_written_again(memory, pipeline, studio, llm_server):
    say(memory, pipeline, {"2023-09-01": "Ana hired a teacher for the dance studio."})
    sleeps(pipeline)
    calls = llm_server.calls("thread")
    assert len(calls) == 2
    assert "F5 (2023-09-01, now): Ana hired a teacher" in prompt.user_text(calls[1].json)
    [thread] = memory.threads()
    assert len(thread.fact_ids) == 5


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (("signed the lease with Maria", [2]), "a name that no fact contains"),
        (("signed the lease on 4 April", [2]), "another day"),
        (("signed the lease for 2 years", [2]), "a number that no fact contains"),
        (("signed the lease", []), "it rests on nothing"),
        (("signed the lease", [9]), "it rests on no fact of the matter"),
    ],
)
def test_what_no_fact_supports_is_dropped_and_counted(memory, pipeline, llm_server, database, step, why):
    say(memory, pipeline, STUDIO)
    llm_server.queue(
        written(("looked for a place", [1]), step, state=("teaches twice a week", [4])),
        on="thread",
    )
    sleeps(pipeline)
    [thread] = memory.threads()
    assert [kept.text for kept in thread.steps] == ["looked for a place"], why
    query = "SELECT count FROM counters WHERE name = %s"
    assert database.execute(query, (counters.THREAD_STEPS_DROPPED,)).fetchone() == (1,)


def test_the_present_state_rests_on_current_facts(memory, pipeline, llm_server, database):
    say(memory, pipeline, STUDIO)
    database.execute("UPDATE facts SET status = 'superseded', ended_because = 'judged' WHERE text LIKE '%looks for%'")
    llm_server.queue(written(("signed the lease", [2]), ("opened", [3]), state=("looks for a place", [1])), on="thread")
    sleeps(pipeline)
    [thread] = memory.threads()
    assert thread.state is None
    assert [step.text for step in thread.steps] == ["signed the lease", "opened"]


def test_a_title_that_says_more_than_the_steps_is_replaced(memory, pipeline, llm_server):
    say(memory, pipeline, STUDIO)
    for title in ("Studio of Maria", "Place"):
        llm_server.queue(written(("signed the lease", [2]), ("opened", [3]), title=title), on="thread")
        sleeps(pipeline)
        assert [thread.title for thread in memory.threads()] == ["Studio"], title
        say(memory, pipeline, {"2023-07-03": "Ana loves her dance studio."})


def test_a_secret_is_not_written(memory, pipeline, llm_server):
    say(memory, pipeline, STUDIO)
    llm_server.queue(written(("opened with password hunter2secret", [3]), ("signed", [2])), on="thread")
    sleeps(pipeline)
    assert "hunter2secret" not in str(memory.threads())


def test_a_matter_without_a_development_is_asked_about_once(memory, pipeline, llm_server):
    say(memory, pipeline, STUDIO)
    llm_server.queue({"threads": []}, on="thread")
    sleeps(pipeline)
    assert memory.threads() == []
    say(memory, pipeline, OTHER)
    sleeps(pipeline)
    assert len(llm_server.calls("thread")) == 1


def end(database, text, status, because):
    database.execute(
        "UPDATE facts SET status = %s, ended_because = %s, superseded_at = now() WHERE text = %s",
        (status, because, text),
    )


SIGNED, OPENED, TEACHES = list(STUDIO.values())[1:]


@pytest.mark.parametrize(
    ("text", "status", "because", "expected"),
    [
        (SIGNED, "superseded", "judged", STUDIO_TEXT),
        (SIGNED, "superseded", "newer_value", STUDIO_TEXT),
        (SIGNED, "superseded", "merged", STUDIO_TEXT),
        (SIGNED, "superseded", "correction", STUDIO_TEXT.replace("signed the lease on 3 April; ", "")),
        (SIGNED, "superseded", "challenge", STUDIO_TEXT.replace("signed the lease on 3 April; ", "")),
        (SIGNED, "superseded", "person", STUDIO_TEXT.replace("signed the lease on 3 April; ", "")),
        (SIGNED, "retracted", "removed", STUDIO_TEXT.replace("signed the lease on 3 April; ", "")),
        (SIGNED, "retracted", "deleted", STUDIO_TEXT.replace("signed the lease on 3 April; ", "")),
        (TEACHES, "superseded", "judged", STUDIO_TEXT.partition("; now")[0]),
        (TEACHES, "retracted", "deleted", STUDIO_TEXT.partition("; now")[0]),
    ],
)
def test_what_a_thread_shows_when_a_fact_under_it_ends(memory, studio, database, text, status, because, expected):
    end(database, text, status, because)
    assert texts(memory) == [expected]


def test_a_fact_that_is_gone_takes_its_step_with_it(memory, studio, database):
    database.execute("DELETE FROM facts WHERE text = %s", (OPENED,))
    assert texts(memory) == [STUDIO_TEXT.replace("; opened on 20 June", "")]


def test_a_thread_is_judged_anew_when_a_fact_under_it_is_superseded(memory, pipeline, studio, llm_server, database):
    end(database, TEACHES, "superseded", "judged")
    database.execute("UPDATE users SET version = version + 1")
    sleeps(pipeline)
    calls = llm_server.calls("thread")
    assert len(calls) == 2
    assert "F4 (2023-07-01): Ana teaches" in prompt.user_text(calls[1].json)


def test_a_thread_falls_when_too_few_facts_are_left(memory, pipeline, studio, database):
    for text in (SIGNED, OPENED):
        end(database, text, "retracted", "deleted")
    database.execute("UPDATE users SET version = version + 1")
    sleeps(pipeline)
    assert memory.threads() == []
    for table in ("threads", "thread_facts"):
        assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def rows_with(database, word):
    """Count the rows of threads that contain a word."""
    rows = "SELECT t::text AS row FROM threads AS t UNION ALL SELECT a::text FROM thread_answers AS a"
    query = f"SELECT count(*) FROM ({rows}) AS rows WHERE row LIKE %s"
    return database.execute(query, (f"%{word}%",)).fetchone()[0]


def test_removing_a_turn_removes_its_step_at_once_and_from_the_row(memory, pipeline, studio, database):
    memory.remove(studio[1])
    assert texts(memory) == [STUDIO_TEXT.replace("signed the lease on 3 April; ", "")], "while it is in Redis"
    pipeline.settle()
    assert texts(memory) == [STUDIO_TEXT.replace("signed the lease on 3 April; ", "")]
    assert rows_with(database, "lease") == 0
    sleeps(pipeline)
    [thread] = memory.threads()
    assert len(thread.fact_ids) == 3


def test_a_present_state_is_back_when_what_ended_it_is_removed(memory, pipeline, studio, llm_server):
    stopped = "Ana teaches no dance classes in her studio any more."
    llm_server.model._answer = answering({(stopped, TEACHES): "ends"})
    [turn_id] = say(memory, pipeline, {"2023-09-01": stopped})
    assert [thread.state for thread in memory.threads()] == [None]
    memory.remove(turn_id)
    pipeline.settle()
    assert texts(memory) == [STUDIO_TEXT]


def test_deleting_a_fact_removes_its_step(memory, pipeline, studio, database):
    memory.delete_fact(fact_ids(memory, SIGNED)[0])
    pipeline.settle()
    assert texts(memory) == [STUDIO_TEXT.replace("signed the lease on 3 April; ", "")]
    assert rows_with(database, "lease") == 0


def test_correcting_a_fact_hides_its_step_until_it_is_written_again(memory, pipeline, studio, llm_server):
    memory.correct_fact(fact_ids(memory, SIGNED)[0], "Ana signed the lease of the dance studio in May.")
    pipeline.settle()
    assert "April" not in texts(memory)[0]
    sleeps(pipeline)
    assert "in May" in texts(memory)[0]
    assert len(llm_server.calls("thread")) == 2


def test_a_title_that_only_a_removed_turn_said_is_not_shown(memory, pipeline, llm_server, database):
    [*_, last] = say(memory, pipeline, STUDIO | {"2023-08-01": "Ana calls the dance studio Zanzibar."})
    answer = written(("signed the lease", [2]), ("opened", [3]), ("named it Zanzibar", [4]), title="Zanzibar studio")
    llm_server.queue(answer, on="thread")
    sleeps(pipeline)
    assert [thread.title for thread in memory.threads()] == ["Zanzibar studio"]
    memory.remove(last)
    assert "Zanzibar" not in texts(memory)[0]
    pipeline.settle()
    assert "Zanzibar" not in texts(memory)[0]
    assert rows_with(database, "Zanzibar") == 0


def test_what_is_forgotten_and_exported(memory, pipeline, with_llm, studio, database):
    [thread] = memory.threads()
    stores = pipeline.runtime.user_stores
    kinds = {record.kind for record in export.export_records(stores, ANA)}
    assert {"threads", "thread_facts"} <= kinds
    erasures.forget(pipeline.runtime, ANA)
    assert memory.threads() == []
    assert rows_with(database, thread.title) == 0


def test_other_users_and_tenants_see_nothing(memory, with_llm, studio):
    assert MemoryClient("ben", settings=with_llm).threads() == []
    assert MemoryClient("ana", tenant_id="other", settings=with_llm).threads() == []


def test_a_model_that_refuses_leaves_the_threads_to_rules(memory, pipeline, llm_server):
    say(memory, pipeline, STUDIO)
    llm_server.fail("refusal", on="thread", count=9)
    sleeps(pipeline)
    [thread] = memory.threads()
    assert thread.is_by_rules
    assert [step.text + "." for step in thread.steps] == list(STUDIO.values())[:3]
    assert thread.state is not None and thread.state.text + "." == TEACHES
    say(memory, pipeline, OTHER)
    sleeps(pipeline)
    assert len(llm_server.calls("thread")) == 1, "it is not asked again while the facts are the same"


def test_an_outage_leaves_the_run_owed(memory, pipeline, llm_server, database):
    say(memory, pipeline, STUDIO)
    llm_server.fail("status", status=503, on="thread")
    sleeps(pipeline)
    assert database.execute("SELECT owes_sleep FROM users").fetchone() == (True,)
    assert database.execute("SELECT count(*) FROM failed_work").fetchone() == (0,)
    llm_server.heal()
    pipeline.runtime.llm_breaker.record_success()
    sleeps(pipeline)
    assert len(memory.threads()) == 1


@pytest.mark.parametrize(
    ("point", "calls"),
    [
        ("after_claim", 1),
        ("thread_call_reserved", 1),
        ("thread_answer_received", 2),
        ("thread_answer_stored", 1),
        ("before_commit", 1),
        ("after_commit", 1),
    ],
)
def test_a_worker_is_killed(memory, pipeline, with_llm, llm_server, database, tmp_path, point, calls):
    """What is stored is used, whoever goes on; what was not is asked again."""
    say(memory, pipeline, STUDIO)
    llm_server.queue(*[STUDIO_ANSWER] * calls, on="thread")
    killed = subprocess.run(
        [sys.executable, "-c", ONE_SLEEP],
        env=environment.child_environment(with_llm)
        | {faults.ENVIRONMENT_VARIABLE: f"sleep.{point} kill {tmp_path / 'fired'}"},
        cwd=ROOT,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL
    is_done = "SELECT NOT owes_sleep FROM users"
    wait_until(lambda: sleeps(pipeline) is not None or database.execute(is_done).fetchone() == (True,), seconds=60)
    assert texts(memory) == [STUDIO_TEXT]
    assert len(llm_server.calls("thread")) == calls
    assert database.execute("SELECT count(*) FROM thread_answers").fetchone() == (0,)


def test_a_turn_that_is_removed_during_the_call_is_not_in_a_stored_answer(
    memory, pipeline, llm_server, database, monkeypatch
):
    turn_ids = say(memory, pipeline, STUDIO)
    llm_server.queue(STUDIO_ANSWER, on="thread")

    def reach(point):
        if point == "sleep.thread_answer_received":
            monkeypatch.setattr(faults, "point", lambda point: None)
            memory.remove(turn_ids[1])
            pipeline.settle()

    monkeypatch.setattr(faults, "point", reach)
    sleeps(pipeline)
    assert rows_with(database, "lease") == 0
    assert database.execute("SELECT count FROM counters WHERE name = 'version_conflicts'").fetchone() == (1,)
    assert sleeps(pipeline) is not None
    assert len(memory.threads()[0].fact_ids) == 3


def test_a_stored_answer_is_used_by_the_next_run(memory, pipeline, llm_server, database, monkeypatch):
    say(memory, pipeline, STUDIO)
    llm_server.queue(STUDIO_ANSWER, on="thread")

    def reach(point):
        if point == "sleep.thread_answer_stored":
            database.execute("UPDATE users SET version = version + 1")

    monkeypatch.setattr(faults, "point", reach)
    sleeps(pipeline)
    assert memory.threads() == []
    monkeypatch.undo()
    sleeps(pipeline)
    assert texts(memory) == [STUDIO_TEXT]
    assert len(llm_server.calls("thread")) == 1


def test_a_run_makes_no_more_calls_than_it_may(memory, with_llm, hot_store, llm_server, database):
    """Two are owed: the judge compares the facts, and a thread is written."""

    def may_make(calls):
        return Pipeline(type(with_llm)(**with_llm.model_dump(exclude_unset=True) | {"sleep_calls": calls}))

    def asked():
        return len(llm_server.calls("judge")), len(llm_server.calls("thread"))

    with may_make(0) as pipeline:
        say(memory, pipeline, STUDIO)
        assert sleep.preview(pipeline.runtime, ANA).calls == 0
        sleeps(pipeline)
        assert asked() == (0, 0)
        assert database.execute("SELECT owes_sleep FROM users").fetchone() == (True,), "the next run continues"
    with may_make(5) as pipeline:
        assert sleep.preview(pipeline.runtime, ANA).calls == 2
    with may_make(1) as pipeline:
        assert sleep.preview(pipeline.runtime, ANA).calls == 1
        sleeps(pipeline)
        assert asked() == (1, 0)
        assert memory.threads() == []
        assert database.execute("SELECT owes_sleep FROM users").fetchone() == (True,), "the next run continues"
        assert sleep.preview(pipeline.runtime, ANA).calls == 1
        sleeps(pipeline)
        assert asked() == (1, 1)
        assert database.execute("SELECT owes_sleep FROM users").fetchone() == (False,)
    assert len(memory.threads()) == 1


def test_rules_alone_ask_nobody(memory, with_llm, hot_store, llm_server, pipeline):
    say(memory, pipeline, STUDIO)
    by_rules = type(with_llm)(**with_llm.model_dump(exclude_unset=True) | {"threads": "rules"})
    with Pipeline(by_rules) as without:
        sleeps(without)
    assert llm_server.calls("thread") == []
    assert [thread.is_by_rules for thread in memory.threads()] == [True]
    say(memory, pipeline, OTHER)
    sleeps(pipeline)
    assert len(llm_server.calls("thread")) == 1, "a model writes what rules wrote while there was none"
    assert [thread.is_by_rules for thread in memory.threads()] == [False]


@pytest.mark.parametrize("garbage", ["I would say that it opened.", '{"threads": "none"}', ""])
def test_garbage_is_asked_for_once_more(memory, pipeline, llm_server, garbage):
    say(memory, pipeline, STUDIO)
    llm_server.queue(garbage, STUDIO_ANSWER, on="thread")
    sleeps(pipeline)
    assert texts(memory) == [STUDIO_TEXT]
    assert len(llm_server.calls("thread")) == 2


def context_of(memory, question, budget=1_500):
    return memory.context(question, budget)


def relevant_lines(context):
    """Return the lines of the part about the question."""
    block = context.messages[0]["content"] if context.messages else ""
    return block.partition("About the question:\n")[2].partition("\n</memory>")[0].split("\n")


def test_the_context_shows_a_thread_in_place_of_its_facts(with_llm, memory, studio, database):
    database.execute("DELETE FROM profiles")
    elsewhere = MemoryClient("ana", "elsewhere", settings=with_llm)
    context = context_of(elsewhere, "How is the dance studio going?")
    shown = "\n".join(relevant_lines(context))
    assert STUDIO_TEXT in shown
    assert not [text for text in STUDIO.values() if "[fact" in shown and f"] {text}" in shown.replace("Ana: ", "")]
    [thread] = memory.threads()
    assert thread.thread_id in context.labels.values()
    assert set(thread.fact_ids) <= set(context.memory_ids)
    assert all(part.left_out >= 0 for part in context.parts)


def test_threads_come_before_what_else_was_recalled(with_llm, studio):
    elsewhere = MemoryClient("ana", "elsewhere", settings=with_llm)
    lines = relevant_lines(context_of(elsewhere, "Who plays chess with Ana, Rui? When did the dance studio open?"))
    threads = [place for place, line in enumerate(lines) if "[thread" in line]
    assert threads == list(range(len(threads))) != []
    assert any("Ana plays chess with Rui." in line for line in lines)


def test_a_thread_without_room_leaves_the_room_to_its_facts(with_llm, studio, database):
    database.execute("DELETE FROM profiles")
    elsewhere = MemoryClient("ana", "elsewhere", settings=with_llm)
    shown = set()
    for budget in range(120, 260, 10):
        context = context_of(elsewhere, "When did the dance studio open?", budget)
        text = "\n".join(relevant_lines(context))
        shown.add(("[thread" in text, any(said in text for said in STUDIO.values())))
        assert context.tokens <= budget
    assert shown == {(False, False), (False, True), (True, False)}


def test_a_removed_turn_is_in_no_thread_of_a_context(with_llm, memory, studio, database):
    database.execute("DELETE FROM profiles")
    memory.remove(studio[2])
    for _ in range(2):
        elsewhere = MemoryClient("ana", "elsewhere", settings=with_llm)
        shown = str(context_of(elsewhere, "How is the dance studio going?").messages)
        assert "opened" not in shown
        assert "signed the lease" in shown


def test_every_door_lists_the_same(with_llm, memory, studio, command, monkeypatch):
    [thread] = memory.threads()
    command.use(with_llm)
    [printed] = command.json("threads", "ana")
    assert (printed["title"], printed["text"]) == ("Studio", STUDIO_TEXT)
    assert printed["steps"][0] == {
        "text": "looked for a place in January 2023",
        "day": "2023-01-20",
        "fact_ids": list(thread.steps[0].fact_ids),
    }
    shown = command("threads", "ana").out
    assert "2023-04-03  signed the lease on 3 April" in shown
    assert "now         teaches dance classes twice a week" in shown
    assert command("threads", "ben").out == "no threads\n"
    with TestClient(create_app(with_llm)) as client:
        [served] = client.get("/v1/users/ana/threads").json()["threads"]
    assert served["text"] == STUDIO_TEXT
    assert served["state"] == {
        "text": "teaches dance classes twice a week",
        "day": "2023-07-01",
        "fact_ids": list(thread.state.fact_ids),
    }

    async def read():
        return await AsyncMemoryClient("ana", settings=with_llm).threads(limit=1)

    assert asyncio.run(read()) == [thread]


def test_threads_move_with_their_user(with_llm, pipeline, memory, studio):
    before = memory.threads()
    merging.merge_users(pipeline.runtime, ANA, UserScope("default", "eve"))
    assert MemoryClient("eve", settings=with_llm).threads() == before
