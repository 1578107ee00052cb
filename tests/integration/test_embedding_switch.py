"""`afterturn embeddings switch`: another model's vectors are built in the background, then serve in one step."""

from __future__ import annotations

import pytest

import api_shim
from afterturn.embedding import hashing
from afterturn.pipeline.stages import index
from afterturn.pipeline.stages import spaces as spaces_stage
from afterturn.recall import question_embedder
from afterturn.scopes import UserScope
from api_shim import AsyncMemoryClient, MemoryClient

pytestmark = pytest.mark.usefixtures("restored_spaces")

TO_64 = ("switch", "--embedder", "hashing", "--dimension", "64")
ITEMS = "SELECT user_id, kind, item FROM vectors WHERE space_id = %s ORDER BY 1, 2, 3"


@pytest.fixture(autouse=True)
def _spaces_are_read_at_once(monkeypatch):
    """A client reads the serving space at each question."""
    monkeypatch.setattr(question_embedder, "SPACE_SECONDS", 0.0)


@pytest.fixture
def told(pipeline):
    """Two users with facts, episodes and turns."""
    for user, pet in (("ana", "dog"), ("ben", "parrot")):
        memory = MemoryClient(user, "chat/1", settings=pipeline.settings)
        memory.write("user", f"I own a {pet}.")
        memory.write("user", f"My {pet} is called Rex.")
        memory.flush()
    pipeline.settle()
    return MemoryClient("ana", "chat/1", settings=pipeline.settings)


@pytest.fixture
def embeddings(command):
    """Run a command of `afterturn embeddings`; returns its JSON."""

    def run(*arguments, code=0):
        return command.json("embeddings", *arguments, code=code)

    return run


def space_ids(database):
    return dict(database.execute("SELECT state, space_id FROM embedding_spaces").fetchall())


def make_due(database):
    """As if the old vectors had been kept for long enough."""
    database.execute("UPDATE embedding_spaces SET drop_at = now() WHERE state = 'retired'")


def test_a_new_model_gets_every_vector_and_then_serves(told, pipeline, database, embeddings):
    old = space_ids(database)["serving"]
    begun = embeddings(*TO_64)
    assert begun == {
        "embedder": "hashing",
        "model": hashing.MODEL,
        "dimension": 64,
        "state": "building",
        "is_new": True,
    }
    before = embeddings("status")
    assert (before["serving"]["dimension"], before["building"]["dimension"]) == (512, 64)
    assert (before["users"], before["users_done"]) == (2, 0)
    assert told.recall("dog")[0].kind == "fact"
    pipeline.settle()
    ids = space_ids(database)
    assert ids["retired"] == old
    assert database.execute(ITEMS, [ids["serving"]]).fetchall() == database.execute(ITEMS, [old]).fetchall() != []
    after = embeddings("status")
    assert (after["serving"]["dimension"], after["building"], after["users_done"]) == (64, None, 2)
    assert after["serving"]["vectors"] == after["retired"][0]["vectors"]
    found = told.recall("Which dog is there?", explain=True)
    assert found[0].kind == "fact"


def test_the_old_vectors_are_deleted_later(told, pipeline, database, embeddings):
    old = space_ids(database)["serving"]
    embeddings(*TO_64)
    pipeline.settle()
    assert database.execute(ITEMS, [old]).fetchall() != []
    [retired] = embeddings("status")["retired"]
    assert retired["drop_at"] is not None
    make_due(database)
    pipeline.settle()
    assert database.execute(ITEMS, [old]).fetchall() == []
    [retired] = embeddings("status")["retired"]
    assert (retired["drop_at"], retired["is_dropping"]) == (None, False)
    assert retired["dropped_at"] is not None


def test_kept_vectors_make_switching_back_quick_and_drop_deletes_them(
    told, pipeline, database, embeddings, monkeypatch
):
    embeddings(*TO_64, "--keep")
    pipeline.settle()
    assert embeddings("status")["retired"][0]["drop_at"] is None
    embedded = []
    monkeypatch.setattr(pipeline.runtime, "embed_each", lambda *arguments, **_: embedded.append(arguments))
    assert embeddings("switch", "--embedder", "hashing", "--dimension", "512", "--keep")["state"] == "building"
    pipeline.settle()
    assert embedded == []
    assert embeddings("status")["serving"]["dimension"] == 512
    assert embeddings("drop") == {"spaces": 1}
    # A client that read the old space a moment ago may still use it.
    pipeline.settle()
    assert len(database.execute("SELECT DISTINCT space_id FROM vectors").fetchall()) == 2
    make_due(database)
    pipeline.settle()
    assert database.execute("SELECT DISTINCT space_id FROM vectors").fetchall() == [(space_ids(database)["serving"],)]
    assert embeddings("drop") == {"spaces": 0}


def test_turns_of_the_meantime_are_embedded_with_both_models(told, pipeline, database, embeddings, monkeypatch):
    embeddings(*TO_64)
    told.write("user", "I own a boat.")
    told.flush()
    with monkeypatch.context() as patched:
        # The build has not begun when they come.
        patched.setattr(spaces_stage, "claim_owed", lambda *_, **__: [])
        pipeline.settle()
    both = "SELECT count(*) FROM (SELECT FROM vectors WHERE kind = 'fact' GROUP BY item HAVING count(*) = 2) AS x"
    assert database.execute(both).fetchone() == (1,)
    pipeline.settle()
    ids = space_ids(database)
    assert database.execute(ITEMS, [ids["serving"]]).fetchall() == database.execute(ITEMS, [ids["retired"]]).fetchall()
    # And those of later with the new one only.
    told.write("user", "I own a kite.")
    told.flush()
    pipeline.settle()
    counts = dict(database.execute("SELECT space_id, count(*) FROM vectors GROUP BY 1").fetchall())
    assert counts[ids["serving"]] > counts[ids["retired"]]
    assert "kite" in told.recall("kite")[0].text


def test_a_second_switch_is_refused_and_the_same_one_goes_on(told, pipeline, command, embeddings):
    embeddings(*TO_64)
    assert embeddings(*TO_64) == {
        "embedder": "hashing",
        "model": hashing.MODEL,
        "dimension": 64,
        "state": "building",
        "is_new": False,
    }
    refused = command("embeddings", "switch", "--embedder", "hashing", "--dimension", "128")
    assert refused.code == 2
    assert refused.error.startswith("error [embedding_switch_refused]:")
    assert "afterturn embeddings abort" in refused.error
    pipeline.settle()
    assert embeddings(*TO_64)["state"] == "serving"


def test_a_switch_is_aborted_and_its_vectors_go(told, pipeline, database, embeddings):
    serving = space_ids(database)["serving"]
    embeddings(*TO_64)
    pipeline.sweep()
    pipeline.step()
    assert embeddings("abort") == {"aborted": True}
    assert embeddings("abort") == {"aborted": False}
    pipeline.settle()
    assert embeddings("status")["serving"]["dimension"] == 512
    assert database.execute("SELECT DISTINCT space_id FROM vectors").fetchall() == [(serving,)]
    # And begun again.
    embeddings(*TO_64)
    pipeline.settle()
    assert embeddings("status")["serving"]["dimension"] == 64


def test_a_model_that_does_not_work_changes_nothing(told, command, database):
    ended = command("embeddings", "switch", "--embedder", "openai", "--model", "m-1")
    assert ended.code == 2
    assert "AFTERTURN_EMBEDDING_API_KEY" in ended.error
    assert command("embeddings", "switch").error.startswith("error [settings_error]: no model is named")
    assert set(space_ids(database)) == {"serving"}


def test_each_task_works_for_a_bounded_time_and_the_next_goes_on(told, pipeline, database, embeddings, monkeypatch):
    monkeypatch.setattr(spaces_stage, "TASK_SECONDS", 0.0)
    monkeypatch.setattr(spaces_stage, "TEXTS_PER_CALL", 1)
    embeddings(*TO_64)
    pipeline.sweep()
    while pipeline.hints.waiting:
        pipeline.step()
    # The time was over before the first text.
    assert len(database.execute("SELECT DISTINCT space_id FROM vectors").fetchall()) == 1
    monkeypatch.setattr(spaces_stage, "TASK_SECONDS", 10.0)
    pipeline.settle()
    assert embeddings("status")["serving"]["dimension"] == 64


def test_texts_are_read_a_page_at_a_time(told, pipeline, database, embeddings, monkeypatch):
    monkeypatch.setattr(spaces_stage, "PAGE_ITEMS", 2)
    monkeypatch.setattr(spaces_stage, "TEXTS_PER_CALL", 1)
    monkeypatch.setattr(spaces_stage, "VECTORS_PER_DELETE", 1)
    old = space_ids(database)["serving"]
    expected = database.execute(ITEMS, [old]).fetchall()
    embeddings(*TO_64)
    pipeline.settle()
    assert database.execute(ITEMS, [space_ids(database)["serving"]]).fetchall() == expected
    make_due(database)
    pipeline.settle()
    assert database.execute(ITEMS, [old]).fetchall() == []


def test_a_large_memory_is_indexed_again(told, pipeline, database, embeddings, monkeypatch):
    monkeypatch.setattr(index, "MIN_DOCUMENTS", 1)
    database.execute("UPDATE users SET indexed_user_seq = -100 WHERE user_id = 'ana'")
    assert index.index(pipeline.runtime, UserScope("default", "ana"))
    embeddings(*TO_64)
    pipeline.settle()
    serving = space_ids(database)["serving"]
    assert database.execute("SELECT space_id FROM memory_indexes WHERE user_id = 'ana'").fetchall() == [(serving,)]
    assert told.recall("dog")[0].kind == "fact"


def test_a_user_who_comes_later_owes_nothing(told, pipeline, database, embeddings):
    embeddings(*TO_64)
    pipeline.settle()
    memory = MemoryClient("cleo", settings=pipeline.settings)
    memory.write("user", "I own a cat.")
    memory.flush()
    pipeline.settle()
    behind = "SELECT count(*) FROM users WHERE vectors_generation < embedding_generation()"
    assert database.execute(behind).fetchone() == (0,)
    assert memory.recall("cat")[0].kind == "fact"


def test_waiting_shows_the_end(told, pipeline, command, embeddings):
    embeddings(*TO_64)
    pipeline.settle()
    ended = command("embeddings", *TO_64, "--wait")
    assert (ended.code, ended.out) == (0, f"{hashing.MODEL} (hashing, dimension 64) serves\n")


def test_a_database_without_users_switches_at_the_next_sweep(pipeline, embeddings):
    embeddings(*TO_64)
    pipeline.sweep()
    assert embeddings("status")["serving"]["dimension"] == 64


async def recall_async(settings):
    memory = AsyncMemoryClient("ana", "chat/1", settings=settings)
    return await memory.recall("dog")


def test_a_running_client_uses_the_new_model(told, pipeline, embeddings):
    """Without a new process: the space is read again after some seconds."""
    import asyncio

    assert told.recall("dog")[0].kind == "fact"
    embeddings(*TO_64)
    pipeline.settle()
    assert told.recall("dog")[0].kind == "fact"
    assert asyncio.run(recall_async(pipeline.settings))[0].kind == "fact"
    assert api_shim.MemoryClient("ana", settings=pipeline.settings).recall("dog")[0].kind == "fact"
