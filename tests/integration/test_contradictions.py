"""Contradictions at every door: listed, marked once, exported, moved, forgotten, settled."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from afterturn import AsyncMemoryClient
from afterturn.forgetting import erasures, export
from afterturn.pipeline.stages import merge, sleep
from afterturn.scopes import UserScope
from api_shim import MemoryClient
from harness.llm_server import LLMServer, answers, prompt
from harness.pipeline import Pipeline
from tests.integration.stored_facts import store

ANA, BEN = UserScope("default", "ana"), UserScope("default", "ben")
NEVER = "Ana has never read a book by Saramago."
READS = "Ana is reading a book by Saramago."


def contradicting(request):
    """One fact per turn, in its words; the two statements about books contradict each other."""
    if prompt.kind_of(request) == "judge":
        labels = {shown.text: shown.label for shown in prompt.shown_statements(request)}
        both = {NEVER, READS} <= labels.keys()
        return answers.judgement(*([(labels[READS], labels[NEVER], "contradicts")] if both else []))
    shown = prompt.shown_turns(request)
    facts = [answers.fact(turn.content, [(turn.number, turn.content)]) for turn in shown]
    return {"facts": facts, "episode": None} if shown else None


@pytest.fixture
def with_llm(settings):
    with LLMServer(answer=contradicting) as server:
        yield settings.model_copy(update={"llm_base_url": server.base_url})


@pytest.fixture
def pipeline(with_llm, hot_store, judged):
    with Pipeline(with_llm) as opened:
        yield opened


@pytest.fixture
def memory(with_llm, pipeline):
    """Ana's memory, in which two facts contradict each other."""
    memory = MemoryClient("ana", "chat", settings=with_llm)
    for day, text in enumerate((NEVER, READS, "Ana likes tea."), 1):
        memory.write("user", text, turn_id=f"t{day}", name="Ana", occurred_at=datetime(2024, 1, day, tzinfo=UTC))
        pipeline.settle()
    return memory


def pairs(memory):
    return [tuple(fact.text for fact in pair.facts) for pair in memory.contradictions()]


def current(memory):
    return sorted(fact.text for fact in memory.facts())


def test_both_facts_are_marked_in_recall_and_the_context_says_it_once(memory, with_llm):
    recalled = {found.text: found.contradicting_texts for found in memory.recall("Saramago books", kinds=["fact"])}
    assert recalled[NEVER] == (READS,)
    assert recalled[READS] == (NEVER,)
    assert recalled.get("Ana likes tea.", ()) == ()
    elsewhere = MemoryClient("ana", "elsewhere", settings=with_llm)
    lines = str(elsewhere.context("What does Ana read of Saramago?", 2_000).messages)
    assert lines.count("but also said:") == 1


def test_a_hidden_turn_hides_its_contradiction(memory):
    memory.remove("t1")
    assert memory.contradictions() == []
    assert all(not found.contradicting_texts for found in memory.recall("Saramago", kinds=["fact"]))


def test_http_lists_a_pair_and_keeps_one(memory, pipeline, api):
    [pair] = api.get("/v1/users/ana/contradictions").json()["contradictions"]
    earlier, later = pair["facts"]
    assert (earlier["text"], later["text"]) == (NEVER, READS)
    assert api.post(f"/v1/users/ana/facts/{earlier['fact_id']}/keep").status_code == 202
    pipeline.settle()
    assert api.get("/v1/users/ana/contradictions").json() == {"contradictions": []}
    assert current(memory) == [NEVER, "Ana likes tea."]
    assert api.get("/v1/users/ana/contradictions", params={"limit": 0}).status_code == 422


def test_the_command_line_lists_a_pair_and_keeps_one(memory, pipeline, command):
    [pair] = json.loads(command("facts", "contradictions", "--user", "ana", "--json").out)
    assert [fact["text"] for fact in pair["facts"]] == [NEVER, READS]
    shown = command("facts", "contradictions", "--user", "ana").out
    assert NEVER in shown and READS in shown
    command("facts", "keep", pair["facts"][1]["fact_id"], "--user", "ana")
    pipeline.settle()
    assert command("facts", "contradictions", "--user", "ana").out == "no contradictions\n"
    assert current(memory) == [READS, "Ana likes tea."]


def test_the_client_of_asyncio_lists_a_pair(memory, with_llm):
    async def ask():
        return await AsyncMemoryClient("ana", settings=with_llm).contradictions(limit=1)

    assert [pair.facts[0].text for pair in asyncio.run(ask())] == [NEVER]


def test_pinned_facts_are_marked_once_as_well(memory, with_llm, pipeline):
    for fact in memory.facts():
        memory.pin_fact(fact.fact_id)
    pipeline.settle()
    elsewhere = MemoryClient("ana", "elsewhere", settings=with_llm)
    lines = str(elsewhere.context("Saramago", 2_000).messages)
    assert lines.count("but also said:") == 1
    assert lines.count(NEVER) == lines.count(READS) == 1


def test_a_pair_belongs_to_its_user(memory, with_llm, api):
    assert MemoryClient("ben", settings=with_llm).contradictions() == []
    assert api.get("/v1/users/ben/contradictions").json() == {"contradictions": []}


def test_a_pair_is_exported_and_forgotten(memory, pipeline, database):
    kinds = {record.kind for record in export.export_records(pipeline.runtime.user_stores, ANA)}
    assert {"contradictions", "compared_facts"} <= kinds
    erasures.forget(pipeline.runtime, ANA)
    assert database.execute("SELECT count(*) FROM contradictions").fetchone() == (0,)
    assert database.execute("SELECT count(*) FROM compared_facts").fetchone() == (0,)


def test_a_pair_moves_to_the_user_that_its_user_is_merged_into(memory, pipeline, with_llm):
    ben = MemoryClient("ben", "chat", settings=with_llm)
    ben.write("user", "Ben sings.")
    pipeline.settle()
    merge.merge_users(pipeline.runtime, ANA, BEN)
    assert pairs(ben) == [(NEVER, READS)]


def test_sleep_links_what_no_batch_has_compared(with_llm, pipeline, database):
    store(pipeline, database, [NEVER, READS])
    memory = MemoryClient("ana", settings=with_llm)
    assert sleep.sleep(pipeline.runtime, ANA).contradictions
    assert pairs(memory) == [(NEVER, READS)]
    assert sleep.sleep(pipeline.runtime, ANA) is None
