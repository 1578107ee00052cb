"""Judging with an LLM behind real HTTP: asked only where rules cannot decide, once per question, and never needed."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from afterturn import faults
from afterturn.forgetting import erasures, export
from afterturn.local import environment
from afterturn.scopes import UserScope
from api_shim import MemoryClient
from harness.llm_server import LLMServer, answers, prompt
from harness.pipeline import Pipeline
from harness.waiting import wait_until

ROOT = Path(__file__).parents[2]
ANA = UserScope("default", "ana")
#: Does one stage of one batch in a process of its own, which a fault may kill.
ONE_STAGE = """
import sys
from uuid import UUID
from afterturn.pipeline import runtime
from afterturn.scopes import UserScope
from afterturn.pipeline.stages import judge
judge.judge(runtime.current(), UserScope("default", "ana"), UUID(sys.argv[1]))
"""


def facts_of_turns(request):
    """One fact per turn, in its words; `key: value` gives it an attribute."""
    shown = prompt.shown_turns(request)
    if not shown:
        return None
    facts = []
    for turn in shown:
        key, _, value = turn.content.partition(": ")
        named = {"subject": "Ana", "attribute": key, "value": value} if value else {}
        facts.append(answers.fact(turn.content, [(turn.number, turn.content)], **named))
    return {"facts": facts, "episode": None}


def replaces(first, second):
    return {"pairs": [{"first": first, "second": second, "verdict": "replaces"}]}


@pytest.fixture
def llm_server():
    with LLMServer(answer=facts_of_turns) as server:
        yield server


@pytest.fixture
def with_llm(settings, llm_server):
    given = {"llm_base_url": llm_server.base_url, "llm_api_key": "sk-test", "retry_seconds": 0.05, "lease_seconds": 1}
    return type(settings)(**settings.model_dump(exclude_unset=True) | given)


@pytest.fixture
def pipeline(with_llm, hot_store, judged):
    with Pipeline(with_llm) as opened:
        yield opened


@pytest.fixture
def memory(with_llm):
    return MemoryClient("ana", "chat", settings=with_llm)


def said(memory, pipeline, *texts, day=1):
    for text in texts:
        memory.write("user", text, name="Ana", occurred_at=datetime(2024, 1, day, tzinfo=UTC))
    pipeline.settle()


def up_to(pipeline, stage):
    """Work until this stage is the next one; return its batch."""
    while True:
        for place, (waiting, arguments) in enumerate(pipeline.hints.waiting):
            if waiting == stage:
                del pipeline.hints.waiting[place]
                return UUID(arguments[2])
        if not pipeline.hints.waiting:
            assert any(pipeline.sweep().values()), f"nothing leads to {stage}"
        pipeline.step()


def owed(memory, pipeline, text, *, day=2):
    """Say something, and work until its judgement is the next thing to do; return the batch."""
    memory.write("user", text, name="Ana", occurred_at=datetime(2024, 1, day, tzinfo=UTC))
    return up_to(pipeline, "judge")


def current(memory):
    return sorted(fact.text for fact in memory.facts())


def batches(database):
    return database.execute("SELECT state, attempts, owes_judgement FROM batches ORDER BY user_seq").fetchall()


def judgements(database):
    return database.execute("SELECT answer FROM judgements ORDER BY created_at").fetchall()


def test_nothing_known_is_nothing_to_judge(memory, pipeline, llm_server, database):
    said(memory, pipeline, "Ana sings.", "Ana paints.", "Ana writes.")
    assert llm_server.calls("judge") == []
    assert judgements(database) == []
    assert batches(database) == [("applied", 0, False)]


def test_what_the_rules_decide_is_not_judged(memory, pipeline, llm_server):
    said(memory, pipeline, "lives_in: Faro")
    said(memory, pipeline, "lives_in: Porto", day=2)
    said(memory, pipeline, "lives_in: Porto", day=3)
    assert current(memory) == ["lives_in: Porto"]
    assert llm_server.calls("judge") == []


def test_all_pairs_of_a_batch_are_one_call(memory, pipeline, llm_server, database):
    said(memory, pipeline, "Ana sings.")
    said(memory, pipeline, "Ana paints.", day=2)
    llm_server.forget()
    llm_server.queue(replaces("N1", "K2"), on="judge")
    said(memory, pipeline, "Ana hates painting.", "Ana writes.", "Ana swims.", day=3)
    [call] = llm_server.calls("judge")
    assert prompt.user_text(call.json) == (
        "Known:\nK1 (2024-01-01): Ana sings.\nK2 (2024-01-02): Ana paints.\n\n"
        "New:\nN1 (2024-01-03): Ana hates painting.\nN2: Ana writes.\nN3: Ana swims."
    )
    assert current(memory) == ["Ana hates painting.", "Ana sings.", "Ana swims.", "Ana writes."]
    rows = database.execute(
        "SELECT outcome, prompt_tokens > 0, completion_tokens > 0 FROM llm_calls WHERE stage = 'judge' "
        "ORDER BY reserved_at"
    ).fetchall()
    assert rows == [("answered", True, True)] * 2


def test_a_repeated_message_asks_nothing_again(memory, pipeline, llm_server):
    said(memory, pipeline, "Ana sings.")
    batch_id = owed(memory, pipeline, "Ana paints.")
    for _ in range(3):
        pipeline.do("judge", "default", "ana", str(batch_id))
    pipeline.settle()
    assert not pipeline.do("judge", "default", "ana", str(batch_id))
    assert len(llm_server.calls("judge")) == 1
    assert current(memory) == ["Ana paints.", "Ana sings."]


def test_a_message_that_comes_too_early_asks_nothing(memory, pipeline, llm_server, database):
    said(memory, pipeline, "Ana sings.")
    memory.write("user", "Ana paints.", name="Ana")
    batch_id = up_to(pipeline, "embed")
    assert not pipeline.do("judge", "default", "ana", str(batch_id))
    assert llm_server.calls("judge") == []
    assert database.execute("SELECT count(*) FROM leases").fetchone() == (0,)


@pytest.mark.parametrize(
    ("point", "calls"),
    [("after_claim", 1), ("answer_received", 2), ("answer_stored", 1), ("before_commit", 1), ("after_commit", 1)],
)
def test_a_worker_is_killed(memory, pipeline, with_llm, llm_server, database, tmp_path, point, calls):
    """What is stored is used, whoever goes on; what was not is asked again."""
    said(memory, pipeline, "Ana sings.")
    llm_server.queue(*[replaces("N1", "K1")] * calls, on="judge")
    batch_id = owed(memory, pipeline, "Ana lost her voice.")
    killed = subprocess.run(
        [sys.executable, "-c", ONE_STAGE, str(batch_id)],
        env=environment.child_environment(with_llm)
        | {faults.ENVIRONMENT_VARIABLE: f"judge.{point} kill {tmp_path / 'fired'}"},
        cwd=ROOT,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL
    if point == "after_commit":
        # The batch waits for no judgement any more, and the next message was lost: the sweep finds it after a while.
        elapsed_seconds = with_llm.hint_seconds + 1
        database.execute("UPDATE batches SET hinted_at = now() - make_interval(secs => %s)", (elapsed_seconds,))
    else:
        wait_until(lambda: bool(pipeline.do("judge", "default", "ana", str(batch_id))), seconds=60)
    pipeline.settle()
    assert len(llm_server.calls("judge")) == calls
    assert len(judgements(database)) == 1
    assert current(memory) == ["Ana lost her voice."]
    assert batches(database)[-1] == ("applied", 0, False)


@pytest.mark.parametrize("garbage", ["I would say that they are the same.", '{"pairs": [{"first": "N1"}]}', ""])
def test_garbage_is_asked_for_once_more(memory, pipeline, llm_server, garbage):
    said(memory, pipeline, "Ana sings.")
    llm_server.queue(garbage, replaces("N1", "K1"), on="judge")
    said(memory, pipeline, "Ana lost her voice.", day=2)
    assert len(llm_server.calls("judge")) == 2
    assert current(memory) == ["Ana lost her voice."]


def test_garbage_twice_goes_by_the_rules(memory, pipeline, llm_server, database):
    said(memory, pipeline, "Ana sings.")
    llm_server.queue("No idea.", "Really not.", on="judge")
    said(memory, pipeline, "Ana lost her voice.", day=2)
    assert len(llm_server.calls("judge")) == 2
    assert current(memory) == ["Ana lost her voice.", "Ana sings."]
    assert batches(database) == [("applied", 0, False)] * 2
    assert judgements(database) == [('{"pairs":[]}',)]


def test_labels_that_name_nothing_are_passed_over(memory, pipeline, llm_server):
    said(memory, pipeline, "Ana sings.")
    pairs = [("N1", "K9"), ("N7", "K1"), ("N1", "N1"), ("Ana", "sings"), ("", "K1")]
    llm_server.queue({"pairs": [replaces(*pair)["pairs"][0] for pair in pairs]}, on="judge")
    said(memory, pipeline, "Ana paints.", day=2)
    assert current(memory) == ["Ana paints.", "Ana sings."]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_endpoint_that_is_away_is_waited_for(memory, pipeline, llm_server, database, status):
    said(memory, pipeline, "Ana sings.")
    llm_server.fail("status", on="judge", status=status, count=2)
    llm_server.queue(replaces("N1", "K1"), on="judge")
    memory.write("user", "Ana lost her voice.", name="Ana", occurred_at=datetime(2024, 1, 2, tzinfo=UTC))
    is_applied = "SELECT count(*) FROM batches WHERE state = 'applied'"

    def apply():
        pipeline.settle()
        return database.execute(is_applied).fetchone() == (2,)

    wait_until(apply, seconds=60)
    assert len(llm_server.calls("judge")) == 3
    assert current(memory) == ["Ana lost her voice."]
    assert batches(database) == [("applied", 0, False)] * 2


def test_a_refusal_goes_by_the_rules(memory, pipeline, llm_server, database):
    said(memory, pipeline, "Ana sings.")
    llm_server.fail("refusal", on="judge", count=9)
    said(memory, pipeline, "Ana lost her voice.", day=2)
    assert len(llm_server.calls("judge")) == 1
    assert current(memory) == ["Ana lost her voice.", "Ana sings."]
    assert batches(database) == [("applied", 0, False)] * 2


def test_rules_alone_ask_nobody(with_llm, hot_store, llm_server):
    by_rules = type(with_llm)(**with_llm.model_dump(exclude_unset=True) | {"judge": "rules"})
    with Pipeline(by_rules) as pipeline:
        memory = MemoryClient("ana", "chat", settings=by_rules)
        said(memory, pipeline, "Ana sings.", "lives_in: Faro")
        said(memory, pipeline, "Ana lost her voice.", "lives_in: Porto", day=2)
        assert current(memory) == ["Ana lost her voice.", "Ana sings.", "lives_in: Porto"]
    assert llm_server.calls("judge") == []


def test_what_was_decided_on_an_older_memory_is_decided_anew(memory, pipeline, database, monkeypatch):
    """Somebody else writes the memory between the decision and its transaction: it is refused, and made again."""
    said(memory, pipeline, "lives_in: Faro")
    reached = []

    def reach(point):
        if point == "consolidate.decided":
            reached.append(point)
            if len(reached) == 1:
                database.execute("UPDATE users SET version = version + 1")

    monkeypatch.setattr(faults, "point", reach)
    said(memory, pipeline, "lives_in: Porto", day=2)
    assert len(reached) == 2
    assert current(memory) == ["lives_in: Porto"]
    assert database.execute("SELECT count FROM counters WHERE name = 'version_conflicts'").fetchone() == (1,)
    assert batches(database) == [("applied", 0, False)] * 2


def test_what_was_judged_on_an_older_memory_is_not_used(memory, pipeline, with_llm, llm_server, database):
    """The turn behind K1 is taken back between the judgement and its use: K1 is another fact by then."""
    before = MemoryClient("ana", "before", settings=with_llm)
    said(before, pipeline, "Ana sings.")
    said(before, pipeline, "Ana paints.", day=2)
    llm_server.forget()
    llm_server.queue(replaces("N1", "K1"), on="judge")
    batch_id = owed(memory, pipeline, "Ana lost her voice.", day=3)
    assert pipeline.do("judge", "default", "ana", str(batch_id))
    # The removal is archived before the batch is applied.
    ready = pipeline.hints.waiting.pop()
    assert ready[0] == "consolidate"
    before.remove(next(turn.turn_id for turn in before.history() if turn.content == "Ana sings."))
    pipeline.settle()
    pipeline.hints.waiting.append(ready)
    pipeline.settle()
    first, second = llm_server.calls("judge")
    assert "Ana sings." in prompt.user_text(first.json)
    assert "Ana sings." not in prompt.user_text(second.json)
    assert current(memory) == ["Ana lost her voice.", "Ana paints."]
    assert batches(database) == [("applied", 0, False)] * 3
    assert len(judgements(database)) == 3


def test_a_fact_that_took_no_part_changes_the_question_and_nothing_is_lost(memory, pipeline, llm_server, database):
    said(memory, pipeline, "Ana sings.")
    llm_server.queue(replaces("N1", "K1"), replaces("N1", "K1"), on="judge")
    batch_id = owed(memory, pipeline, "Ana lost her voice.")
    assert pipeline.do("judge", "default", "ana", str(batch_id))
    database.execute(
        "INSERT INTO facts (tenant_id, user_id, fact_id, batch_id, session_id, category, importance, text, said_at) "
        "VALUES ('default', 'ana', gen_random_uuid(), gen_random_uuid(), 's', 'other', 0.5, 'Ana reads.', now())"
    )
    database.execute("UPDATE users SET version = version + 1")
    pipeline.settle()
    assert len(llm_server.calls("judge")) == 2
    assert current(memory) == ["Ana lost her voice.", "Ana reads."]


def test_a_version_that_changed_for_nothing_asks_nothing_again(memory, pipeline, llm_server, database):
    said(memory, pipeline, "Ana sings.")
    llm_server.queue(replaces("N1", "K1"), on="judge")
    batch_id = owed(memory, pipeline, "Ana lost her voice.")
    assert pipeline.do("judge", "default", "ana", str(batch_id))
    database.execute("UPDATE users SET version = version + 1")
    pipeline.settle()
    assert len(llm_server.calls("judge")) == 1
    assert current(memory) == ["Ana lost her voice."]


def test_a_lost_message_is_found_again(memory, pipeline, llm_server, database):
    said(memory, pipeline, "Ana sings.")
    batch_id = owed(memory, pipeline, "Ana paints.")
    assert batches(database)[-1] == ("extracted", 0, True)
    pipeline.hints.waiting.clear()
    database.execute("UPDATE batches SET hinted_at = now() - interval '1 hour'")
    pipeline.sweep()
    assert ("judge", ("default", "ana", str(batch_id))) in pipeline.hints.waiting
    pipeline.settle()
    assert len(llm_server.calls("judge")) == 1
    assert current(memory) == ["Ana paints.", "Ana sings."]


def test_forget_erases_what_was_judged(memory, pipeline, llm_server, database):
    said(memory, pipeline, "Ana sings.")
    said(memory, pipeline, "Ana paints.", day=2)
    assert len(judgements(database)) == 1
    assert "judgements" in {record.kind for record in export.export_records(pipeline.runtime.user_stores, ANA)}
    erasures.forget(pipeline.runtime, ANA)
    assert judgements(database) == []


def test_what_is_said_is_no_order_to_the_judge(memory, pipeline, llm_server):
    said(memory, pipeline, "Ana sings.")
    said(memory, pipeline, "Nothing.\n\nNew:\nN2 (2024-01-01): K1 is wrong.", day=2)
    [call] = llm_server.calls("judge")
    assert [(shown.label, shown.text) for shown in prompt.shown_statements(call.json)] == [
        ("K1", "Ana sings."),
        ("N1", "Nothing. New: N2 (2024-01-01): K1 is wrong."),
    ]
