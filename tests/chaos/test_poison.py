"""Poison: what cannot be used ends after a bounded number of calls, with its reason, and blocks nobody."""

from __future__ import annotations

import time

import pytest

from api_shim import MemoryClient
from harness.chaos import conversation, outages, poison, trial
from harness.chaos.lane import FIXED, QUICK, Lane
from harness.chaos.lane import database as own_database
from harness.llm_server import LLMServer, prompt
from harness.pipeline import Pipeline

TEXTS = ("I own a boat.", "I like tea.", "I own a cat.")

#: fault -> calls of a batch of three turns, its end, and how many facts it gives. A batch that is refused is tried a
#: second time, to know whether it is the cause.
POISON = {
    "truncated_json": (2 * 2, "dead", "answer_malformed", 0),
    "wrong_schema": (2 * 2, "dead", "answer_malformed", 0),
    "prose": (2 * 2, "dead", "answer_malformed", 0),
    "empty": (2 * 2, "dead", "answer_malformed", 0),
    "refusal": (1 * 2, "dead", "model_refused", 0),
    "content_filter": (1 * 2, "dead", "model_refused", 0),
    # Three turns with three limits of the answer, then two, then one: that one alone is too long, and is tried again.
    "length": (3 + 1 + 1 + 1, "dead", "answer_malformed", 0),
    # Before it is asked for less, less room for the answer is tried.
    "context_length": (2 + 2 + 2 + 2, "dead", "input_too_long", 0),
    # What has no evidence is rejected, and the rest of the answer is used.
    "unknown_turns": (2, "applied", None, 0),
    "invented_quotes": (1, "applied", None, 0),
    # A stray character between two values is left out.
    "nul": (1, "applied", None, 3),
    "fenced": (1, "applied", None, 3),
}


@pytest.fixture
def llm():
    server = LLMServer(answer=conversation.answer)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def poisoned(settings, llm, hot_store):
    given = settings.model_dump(exclude_unset=True) | FIXED | QUICK
    ours = type(settings)(**given | {"llm_base_url": llm.base_url, "attempts": 3, "retry_seconds": 0.05})
    with Pipeline(ours) as pipeline:
        yield pipeline


def _say(pipeline, user_id, *texts):
    memory = MemoryClient(user_id, settings=pipeline.settings)
    memory.write_many({"role": "user", "content": text} for text in texts)
    memory.flush()
    return memory


def _settle_until(pipeline, is_so):
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        pipeline.settle()
        time.sleep(0.05)


def _batches(database, user_id="ana"):
    return database.execute(
        "SELECT state, reason, attempts FROM batches WHERE user_id = %s ORDER BY user_seq", (user_id,)
    ).fetchall()


@pytest.mark.parametrize("what", POISON)
def test_an_answer_that_cannot_be_used(poisoned, llm, database, what):
    calls, state, reason, facts = POISON[what]
    _say(poisoned, "zoe", "I play chess.")
    poisoned.settle()
    llm.fail(what, on="extract", containing=TEXTS[0])
    _say(poisoned, "ana", *TEXTS)
    _settle_until(poisoned, lambda: [found[0] for found in _batches(database)] == [state])
    assert sum(TEXTS[0].encode() in call.body for call in llm.calls("extract")) == calls
    [batch] = _batches(database)
    assert batch[0] == state
    assert (batch[1] or "").startswith(reason or "")
    assert database.execute("SELECT count(*) FROM facts WHERE user_id = 'ana'").fetchone() == (facts,)
    # No word of the model's, and none of the user's, is in the reason.
    assert "boat" not in (batch[1] or "")

    llm.heal()
    _say(poisoned, "ana", "I live in Porto.")
    poisoned.settle()
    assert [found[0] for found in _batches(database)] == [state, "applied"]
    assert database.execute("SELECT count(*) FROM facts WHERE text LIKE '%%Porto%%'").fetchone() == (1,)


@pytest.mark.parametrize("what", ["truncated_json", "wrong_schema", "prose", "empty", "unknown_turns"])
def test_one_repair_is_enough_where_the_second_answer_is_good(poisoned, llm, database, what):
    llm.fail(what, on="extract", count=1)
    _say(poisoned, "ana", *TEXTS)
    poisoned.settle()
    assert len(llm.calls("extract")) == 2
    assert _batches(database) == [("applied", None, 0)]
    assert database.execute("SELECT count(*) FROM facts").fetchone() == (3,)


@pytest.mark.parametrize(("what", "failures"), [("length", 3), ("context_length", 2)])
def test_what_is_too_long_is_asked_for_in_halves(poisoned, llm, database, what, failures):
    llm.fail(what, on="extract", count=failures)
    _say(poisoned, "ana", *TEXTS)
    poisoned.settle()
    assert len(llm.calls("extract")) == failures + 2
    assert _batches(database) == [("applied", None, 0)]
    facts = database.execute(
        "SELECT f.text, t.content FROM facts f JOIN evidence e USING (fact_id) "
        "JOIN turns t ON t.position = e.position ORDER BY t.position"
    ).fetchall()
    assert [content for _, content in facts] == list(TEXTS)
    assert all(content in text for text, content in facts)


def test_a_batch_that_fails_while_others_succeed_uses_up_its_attempts(poisoned, llm, database):
    def answer(request):
        if any(turn.content == "POISON" for turn in prompt.shown_turns(request)):
            raise RuntimeError("this one always gets a 500")
        return conversation.answer(request)

    llm.model._answer = answer
    _say(poisoned, "ana", "POISON")
    deadline = time.monotonic() + 60
    number = 0
    while _batches(database)[:1] == [] or _batches(database)[0][0] == "pending":
        assert time.monotonic() < deadline, _batches(database)
        number += 1
        _say(poisoned, "ben", f"I own {number} boats.")
        poisoned.settle()
        time.sleep(0.1)
    assert _batches(database) == [("dead", "exhausted: model_unavailable", 4)]
    assert {found[0] for found in _batches(database, "ben")} == {"applied"}
    _say(poisoned, "ana", "I live in Porto.")
    poisoned.settle()
    assert [found[0] for found in _batches(database)] == ["dead", "applied"]


def test_the_same_failure_for_everybody_uses_up_nothing(poisoned, llm, database):
    llm.fail("status", status=500)
    _say(poisoned, "ana", "I live in Porto.")
    _say(poisoned, "ben", "I live in Rome.")
    ends_at = time.monotonic() + 3
    while time.monotonic() < ends_at:
        poisoned.settle()
        time.sleep(0.1)
    assert {found[0::2] for found in _batches(database) + _batches(database, "ben")} == {("pending", 0)}
    llm.heal()
    deadline = time.monotonic() + 60
    while {found[0] for found in _batches(database) + _batches(database, "ben")} != {"applied"}:
        assert time.monotonic() < deadline
        poisoned.settle()
        time.sleep(0.1)
    assert {found[2] for found in _batches(database) + _batches(database, "ben")} == {0}


@pytest.mark.chaos
@pytest.mark.parametrize("run", poison.TRIALS, ids=lambda run: run.__name__)
def test_what_cannot_be_stored_or_read_costs_nobody_else_anything(lane, expected, run):
    outcome = run(lane, expected)
    assert outcome.is_clean, outcome
    assert (outcome.recovery_seconds or 0) <= 30, outcome


@pytest.mark.chaos
@pytest.mark.parametrize("run", poison.EMBEDDER_TRIALS, ids=lambda run: run.__name__)
def test_what_cannot_be_embedded_costs_nobody_else_anything(redis_server, postgres_server, tmp_path, run):
    url = own_database(postgres_server.url, "poisoned_lane")
    with Lane(redis_server.url, url, tmp_path / "lane", **outages.EMBEDDER_SETTINGS) as lane:
        outcome = run(lane, trial.uninterrupted(lane))
    assert outcome.is_clean, outcome
