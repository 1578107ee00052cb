"""Digests by an LLM behind real HTTP: few calls, none repeated, every statement with episodes, rules as a fallback."""

import pytest

from afterturn.database import counters
from api_shim import MemoryClient
from harness.llm_server import LLMServer, prompt
from harness.pipeline import Pipeline

CHAT = ("default", "ana", "chat")


@pytest.fixture
def llm_server():
    with LLMServer() as server:
        yield server


@pytest.fixture
def with_llm(settings, llm_server):
    given = {"llm_base_url": llm_server.base_url, "llm_api_key": "sk-test", "summary_run": 2, "batch_turns": 1}
    return type(settings)(**settings.model_dump(exclude_unset=True) | given)


@pytest.fixture
def pipeline(with_llm, hot_store):
    with Pipeline(with_llm) as opened:
        yield opened


@pytest.fixture
def memory(with_llm):
    return MemoryClient("ana", "chat", settings=with_llm)


@pytest.fixture
def talk(memory, pipeline):
    def said(first, last):
        ids = [memory.write("user", f"I visited Xyl{number}z.", name="Ana") for number in range(first, last + 1)]
        pipeline.settle()
        return ids

    return said


def entries_of_calls(llm_server):
    """Return the entries in the prompt of each summarize call, in order."""
    return [[entry.text for entry in prompt.shown_entries(call.json)] for call in llm_server.calls("summarize")]


def test_an_episode_is_in_one_prompt_per_level(talk, llm_server, database):
    talk(1, 10)
    levels = database.execute("SELECT level, count(*) FROM digests GROUP BY level ORDER BY level").fetchall()
    assert levels == [(0, 4), (1, 1)]
    calls = entries_of_calls(llm_server)
    assert len(calls) == 5
    assert [sum("Xyl1z" in text for texts in calls for text in texts)] == [2]
    costs = database.execute("SELECT count(*) FROM llm_calls WHERE stage = 'summarize' AND prompt_tokens > 0")
    assert costs.fetchone() == (5,)


def test_an_unchanged_session_makes_no_call(talk, pipeline, llm_server, database):
    talk(1, 6)
    before = len(llm_server.requests)
    database.execute("UPDATE sessions SET summarized_through = 0")
    pipeline.do("summarize", *CHAT)
    assert len(llm_server.requests) == before


class WorkerDied(Exception):
    """Simulates the death of the worker."""


def test_a_stored_digest_is_not_requested_again(talk, memory, pipeline, llm_server, database):
    """The worker dies after the first of two digests. The next run requests the second one only."""
    summarizer = pipeline.runtime.summarizer

    class DyingSummarizer:
        prompt_version, model = summarizer.prompt_version, summarizer.model
        expected_tokens = summarizer.expected_tokens

        def summarize(self, sources):
            if llm_server.calls("summarize"):
                raise WorkerDied()
            return summarizer.summarize(sources)

    pipeline.runtime.__dict__["summarizer"] = DyingSummarizer()
    with pytest.raises(WorkerDied):
        talk(1, 5)
    pipeline.runtime.__dict__["summarizer"] = summarizer
    database.execute("DELETE FROM leases")
    pipeline.do("summarize", *CHAT)
    texts = entries_of_calls(llm_server)
    assert len(texts) == 2
    assert [sum("Xyl1z" in text for text in each) for each in texts] == [1, 0]
    assert all(f"Xyl{number}z" in memory.summary() for number in range(1, 6))


def test_the_summary_does_not_wait_for_the_model(talk, memory, pipeline, llm_server, database):
    llm_server.fail("status", on="summarize", status=503)
    for number in range(1, 7):
        memory.write("user", f"I visited Xyl{number}z.", name="Ana")
        memory.flush()
    for _ in range(30):
        pipeline.sweep()
        while pipeline.hints.waiting:
            pipeline.step()
    assert "Xyl6z" in memory.summary()
    assert database.execute("SELECT owes_summary FROM sessions").fetchall() == [(True,)]
    assert database.execute("SELECT count(*) FROM digests").fetchone() == (0,)


@pytest.mark.parametrize("given", ["prose", {"statements": []}, {"statements": [{"text": "x", "entries": [9]}]}])
def test_rules_make_the_digest_when_the_answer_is_unusable(talk, memory, llm_server, database, given):
    llm_server.queue(given, on="summarize")
    talk(1, 3)
    assert len(llm_server.calls("summarize")) == 1
    assert database.execute("SELECT prompt_version, model FROM digests").fetchall() == [("lines-2", "offline")]
    assert all(f"Xyl{number}z" in memory.summary() for number in (1, 2, 3))


def test_statements_without_episodes_are_left_out_and_counted(talk, memory, llm_server, database):
    invented = [{"text": "Ana is a queen.", "entries": []}, {"text": "Ana flew.", "entries": [17]}]
    llm_server.queue({"statements": [*invented, {"text": "Ana visited two towns.", "entries": [1, 2]}]}, on="summarize")
    talk(1, 3)
    assert "queen" not in memory.summary() and "flew" not in memory.summary()
    first = memory.session_summary().statements[0]
    episodes = database.execute("SELECT batch_id::text FROM episodes ORDER BY user_seq LIMIT 2").fetchall()
    assert (first.text, first.episode_ids) == ("Ana visited two towns.", tuple(batch_id for (batch_id,) in episodes))
    counted = database.execute("SELECT count FROM counters WHERE name = %s", (counters.STATEMENTS_DROPPED,))
    assert counted.fetchone() == (2,)


def test_removing_a_turn_requests_only_the_digests_that_cover_it(talk, memory, pipeline, llm_server, database):
    ids = talk(1, 10)
    before = len(entries_of_calls(llm_server))
    memory.remove(ids[2])
    pipeline.settle()
    again = entries_of_calls(llm_server)[before:]
    # Of the two episodes one is left, which needs no call; the wider digest above it does.
    assert not any("Xyl3z" in text for texts in again for text in texts)
    assert "Xyl3z" not in memory.summary()
    assert len(again) <= 2
    statements = database.execute("SELECT statements::text FROM digests").fetchall()
    assert "Xyl3z" not in str(statements) and "None" not in str(statements)
