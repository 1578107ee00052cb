"""Edits are applied once, in their order, and only for their own user."""

import asyncio
import uuid

import pytest

from afterturn.errors import InvalidInput
from afterturn.facts import edits
from afterturn.forgetting import erasures, export
from afterturn.hot import keys, pending
from afterturn.pipeline.stages import archive
from afterturn.scopes import SessionScope
from api_shim import AsyncMemoryClient, MemoryClient, close_async_connections
from tests import canary

EDITS = SessionScope("default", "ana", edits.SESSION_ID)
NOWHERE = str(uuid.UUID(int=7))


def texts(facts):
    return [fact.text for fact in facts]


def only(facts):
    [fact] = facts
    return fact


def rejections(database):
    return database.execute("SELECT reason FROM rejections ORDER BY batch_id, candidate_index").fetchall()


class Never:
    """An extractor that must not be called."""

    prompt_version = "test-1"
    earlier_versions = ()
    uses_known = False
    model = "never"

    def extract(self, request):
        raise AssertionError("an edit was extracted")


def test_a_dead_edit_is_replayed_with_its_own_answer_and_never_extracted(memory, pipeline, database, command):
    pipeline.runtime.__dict__["extractor"] = Never()
    fact_id = memory.add_fact("Ana has one cat.")
    pipeline.sweep()
    pipeline.step()
    [(answer,)] = database.execute("SELECT answer FROM answers").fetchall()
    database.execute("UPDATE answers SET answer = '[]'")
    pipeline.settle()
    [dead] = command.json("dead", "list")
    assert (dead["session_id"], dead["reason"].partition(":")[0]) == ("~edits", "answer_malformed")
    assert "Ana has one cat." in command("dead", "show", dead["batch_id"], "--content").out

    # An unreadable answer of an edit stays, because no model can give another one.
    assert command("dead", "replay", dead["batch_id"]).out == "1 replayed\n"
    pipeline.settle()
    assert database.execute("SELECT state FROM batches").fetchall() == [("dead",)]
    assert database.execute("SELECT answer FROM answers").fetchall() == [("[]",)]

    database.execute("UPDATE answers SET answer = %s", (answer,))
    command("dead", "replay", "--all", "--yes")
    pipeline.settle()
    assert only(memory.facts()).fact_id == fact_id


def test_dying_between_the_commit_and_redis_doubles_no_edit(memory, pipeline, hot_store, settings, database):
    memory.add_facts([{"text": "Ana has one cat."}, {"text": "Ana has a dog.", "pinned": True}])
    with pipeline.runtime.postgres.connection() as connection, connection.transaction():
        archive.archive_entries(connection, settings, pending.read_entries(hot_store, [EDITS], limit=10).entries)
    # Here the process dies: the entries are still pending, and the batches were not enqueued.
    assert hot_store.xlen(keys.pending(EDITS)) == 2
    database.execute("UPDATE batches SET hinted_at = now() - interval '1 hour'")
    pipeline.settle()
    assert not hot_store.exists(keys.pending(EDITS), keys.recent(EDITS))
    assert sorted(texts(memory.facts())) == ["Ana has a dog.", "Ana has one cat."]
    assert database.execute("SELECT count(*), count(DISTINCT user_seq) FROM batches").fetchone() == (2, 2)


@pytest.mark.parametrize("act", ["correct_fact", "pin_fact", "unpin_fact", "delete_fact"])
def test_an_edit_of_another_users_fact_changes_nothing(memory, pipeline, settings, database, act):
    stranger = MemoryClient("eve", settings=settings)
    theirs = memory.add_fact("Ana has one cat.", pinned=act == "unpin_fact")
    pipeline.settle()
    before = memory.facts()
    more = ["Ana has no cat."] if act == "correct_fact" else []
    for fact_id in (theirs, NOWHERE):
        getattr(stranger, act)(fact_id, *more)
    pipeline.settle()
    assert memory.facts() == before
    assert stranger.facts() == []
    assert stranger.fact_history(theirs) == []
    assert rejections(database) == [("unknown_fact",)] * 2


@pytest.mark.parametrize("act", ["correct_fact", "pin_fact", "unpin_fact", "delete_fact", "fact_history"])
def test_a_fact_is_named_by_a_uuid(memory, act):
    more = ["Ana lives in Lisbon."] if act == "correct_fact" else []
    with pytest.raises(InvalidInput, match="fact_id must be a UUID"):
        getattr(memory, act)("lives-in-porto", *more)


def test_edits_keep_their_order(memory, pipeline):
    fact_id = memory.add_fact("Ana has one cat.")
    for _ in range(5):
        memory.pin_fact(fact_id)
        memory.unpin_fact(fact_id)
    memory.pin_fact(fact_id)
    pipeline.settle()
    assert only(memory.facts()).is_pinned


def test_edits_are_exported_and_forgotten(memory, pipeline, database, hot_store):
    first = memory.add_fact(f"{canary.WORD} has one cat.", topics=[canary.WORD])
    pipeline.settle()
    memory.correct_fact(first, f"{canary.WORD} has two cats.")
    exported = str(list(export.export_records(pipeline.runtime.user_stores, EDITS.user)))
    assert "has one cat" in exported and "has two cats" in exported
    assert {"turns", "answers", "facts", "evidence"} <= set(canary.places(database, hot_store, canary.WORD))
    erasures.forget(pipeline.runtime, EDITS.user)
    pipeline.settle()
    database.execute("ANALYZE")
    assert canary.places(database, hot_store, canary.WORD) == []
    assert memory.facts() == memory.fact_history(first) == []
    memory.add_fact("Ana has a dog.")
    pipeline.settle()
    assert texts(memory.facts()) == ["Ana has a dog."]


def test_the_async_client_does_the_same(settings, pipeline):
    async def edit():
        memory = AsyncMemoryClient("ana", settings=settings)
        first = await memory.add_fact("Ana has one cat.", topics=["pets"])
        [second, third] = await memory.add_facts([{"text": "Ana has a dog."}, {"text": "Ana has a fish."}])
        await memory.correct_fact(first, "Ana has two cats.")
        await memory.pin_fact(second)
        await memory.delete_fact(third)
        await close_async_connections()
        return first

    async def read(first):
        memory = AsyncMemoryClient("ana", settings=settings)
        found = await memory.facts(), await memory.fact_history(first), await memory.facts(topic="Pets")
        await memory.unpin_fact(first)
        await close_async_connections()
        return found

    first = asyncio.run(edit())
    pipeline.settle()
    facts, history, pets = asyncio.run(read(first))
    assert {fact.text: fact.is_pinned for fact in facts} == {"Ana has two cats.": False, "Ana has a dog.": True}
    assert texts(history) == ["Ana has one cat.", "Ana has two cats."]
    assert texts(pets) == ["Ana has two cats."]
