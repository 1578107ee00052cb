"""A turn is found at every age: before a worker has read it, before its facts exist, and after it was summarized."""

import pytest

from api_shim import MemoryClient
from harness.pipeline import Pipeline

QUESTION = "What is the parrot called?"


@pytest.fixture
def short(settings):
    """Each turn is a batch, two make a digest, and Redis keeps only the last archived turn."""
    given = {"batch_turns": 1, "summary_run": 2, "recent_turns": 1}
    return type(settings)(**settings.model_dump(exclude_unset=True) | given)


@pytest.fixture
def pipeline(short, hot_store):
    with Pipeline(short) as opened:
        yield opened


@pytest.fixture
def memory(short):
    return MemoryClient("ana", "chat", settings=short)


def found_turns(memory, **filters):
    return [said.turn_id for found in memory.recall(QUESTION, 3, **filters) for said in found.evidence]


def test_a_turn_is_found_at_every_age(memory, pipeline, database, hot_store):
    turn_id = memory.write("user", "The parrot of my aunt is called Captain Flint.", name="Ana")
    assert found_turns(memory)[0] == turn_id

    pipeline.sweep()
    assert pipeline.step() == "archive"
    assert database.execute("SELECT count(*) FROM turns").fetchone() == (1,)
    hot_store.delete(*hot_store.keys("at:*:recent:*"))
    assert database.execute("SELECT count(*) FROM facts").fetchone() == (0,)
    assert found_turns(memory)[0] == turn_id

    while database.execute("SELECT count(*) FROM vectors WHERE kind = 'turn'").fetchone() == (0,):
        pipeline.sweep()
        pipeline.step()
        assert found_turns(memory)[0] == turn_id

    pipeline.settle()
    assert found_turns(memory)[0] == turn_id
    for number in range(8):
        memory.write("user", f"I went to the market on day {number}.", name="Ana")
    pipeline.settle()
    assert database.execute("SELECT max(level) >= 1 FROM digests").fetchone() == (True,)
    assert turn_id not in {turn.turn_id for turn in memory.history(5)}
    assert found_turns(memory)[0] == turn_id
    assert found_turns(memory, kinds=["turn"])[0] == turn_id


def test_turns_that_are_not_embedded_are_found_by_their_words(short, pipeline, database):
    bare = short.model_copy(update={"embed_turns": False})
    memory = MemoryClient("ana", settings=bare)
    turn_id = memory.write("assistant", "The parrot of your aunt is called Captain Flint.")
    with Pipeline(bare) as opened:
        opened.settle()
    assert database.execute("SELECT count(*) FROM vectors WHERE kind = 'turn'").fetchone() == (0,)
    assert found_turns(memory, kinds=["turn"]) == [turn_id]


def test_a_fact_and_the_turns_behind_it_are_one_result(memory, pipeline):
    first = memory.write("user", "I live in Porto.", name="Ana")
    memory.write("assistant", "What a fine town.")
    again = memory.write("user", "Yes, I live in Porto.", name="Ana")
    pipeline.settle()
    found = memory.recall("Where does Ana live?", 100)
    facts = [one for one in found if one.kind == "fact" and "Porto" in one.text]
    [fact] = facts
    assert {said.turn_id for said in fact.evidence} == {first, again}
    assert [one.text for one in found if one.kind == "turn"] == ["What a fine town."]
    assert {one.memory_id for one in memory.recall("Where does Ana live?", 100, kinds=["turn"])} >= {first, again}
