"""Every text has the vector of its own words in the end, also a text that was made without a call."""

import numpy as np
import pytest

from afterturn.embedding import spaces
from afterturn.pipeline.stages import sleep
from afterturn.scopes import UserScope
from api_shim import MemoryClient
from harness.llm_server import LLMServer
from harness.pipeline import Pipeline
from tests.integration.related import answering

ANA = UserScope("default", "ana")
GINA = "Jon is starting a studio with Gina."
BOSTON = "Jon is starting a studio in Boston."
UNITED = f"{GINA[:-1]}; {BOSTON}"
CAT = "Ana owns a grey cat."


@pytest.fixture
def llm():
    with LLMServer(answer=answering({(BOSTON, GINA): "refines"})) as server:
        yield server


@pytest.fixture
def pipeline(settings, llm, hot_store, database, restored_spaces):
    """A pipeline whose one space is the endpoint's."""
    given = settings.model_dump(exclude_unset=True) | {"llm_base_url": llm.base_url, "attempts": 3}
    given |= {"embedder": "openai", "embedding_model": "test-model", "retry_seconds": 0.05}
    database.execute("UPDATE embedding_spaces SET state = 'retired'")
    database.execute(
        "INSERT INTO embedding_spaces (provider, model, dimension, state) "
        "VALUES ('openai', 'test-model', 256, 'serving')"
    )
    with Pipeline(type(settings)(**given)) as opened:
        yield opened


def say(pipeline, *texts, session="chat"):
    """Write the turns of one batch and process them; returns their ids."""
    memory = MemoryClient("ana", session, settings=pipeline.settings)
    turn_ids = [memory.write("user", text, name="Ana") for text in texts]
    memory.flush()
    pipeline.settle()
    return turn_ids


def take_back(pipeline, turn_id, session="chat"):
    MemoryClient("ana", session, settings=pipeline.settings).remove(turn_id)
    pipeline.settle()


def vector_of(database, text):
    """Return the vector of the fact with this text that was recorded last."""
    rows = database.execute(
        "SELECT v.embedding::text FROM facts AS f JOIN vectors AS v ON v.kind = 'fact' AND v.item = f.fact_id::text "
        "WHERE f.text = %s ORDER BY f.recorded_at DESC",
        [text],
    ).fetchall()
    return np.array([float(number) for number in rows[0][0].strip("[]").split(",")]) if rows else None


def own_vector(pipeline, text):
    with pipeline.runtime.postgres.connection() as connection:
        [space] = [space for space in spaces.read_active_spaces(connection) if space.state == "serving"]
    return np.array(pipeline.runtime.embedder_of(space).embed([text])[0])


def has_own_vector(pipeline, database, text):
    stored, own = vector_of(database, text), own_vector(pipeline, text)
    return stored is not None and float(stored @ own) / float(np.linalg.norm(stored) * np.linalg.norm(own)) > 0.9999


def missing(database):
    return database.execute("SELECT kind, item FROM missing_vectors").fetchall()


def test_a_united_fact_gets_the_vector_of_its_own_text(pipeline, database):
    say(pipeline, GINA)
    say(pipeline, BOSTON)
    assert has_own_vector(pipeline, database, UNITED)
    assert missing(database) == []


def test_until_then_it_has_the_middle_of_the_vectors_of_its_parts(pipeline, database, llm):
    say(pipeline, GINA)
    llm.fail("status", status=500, on="embeddings", containing=f"{GINA[:-1]};")
    say(pipeline, BOSTON)
    middle = vector_of(database, GINA) + vector_of(database, BOSTON)
    assert np.allclose(vector_of(database, UNITED), middle / np.linalg.norm(middle), atol=1e-3)
    assert len(missing(database)) == 1
    llm.heal()
    database.execute("UPDATE missing_vectors SET retry_at = now()")
    pipeline.settle()
    assert has_own_vector(pipeline, database, UNITED)
    assert missing(database) == []


def test_a_united_fact_with_a_part_that_was_refused_has_no_vector_but_its_own(pipeline, database, llm):
    llm.fail("status", status=500, on="embeddings", containing="Gina")
    say(pipeline, GINA)
    say(pipeline, BOSTON)
    assert vector_of(database, UNITED) is None
    llm.heal()
    database.execute("UPDATE missing_vectors SET retry_at = now()")
    pipeline.settle()
    assert has_own_vector(pipeline, database, UNITED)
    assert has_own_vector(pipeline, database, GINA)
    assert missing(database) == []


def test_what_sleep_unites_gets_the_vector_of_its_own_text(pipeline, database, llm):
    say(pipeline, GINA)
    llm.model._answer = answering({})
    say(pipeline, BOSTON)
    llm.model._answer = answering({(BOSTON, GINA): "refines"})
    database.execute("DELETE FROM compared_facts")
    assert sleep.sleep(pipeline.runtime, ANA).united
    pipeline.settle()
    assert has_own_vector(pipeline, database, UNITED)


def test_an_unchanged_memory_is_embedded_no_more(pipeline, llm):
    say(pipeline, GINA)
    say(pipeline, BOSTON)
    sleep.sleep(pipeline.runtime, ANA)
    pipeline.settle()
    calls = len(llm.calls("embeddings"))
    pipeline.settle()
    sleep.sleep(pipeline.runtime, ANA)
    assert len(llm.calls("embeddings")) == calls


def test_a_reinstated_fact_whose_vectors_were_refused_is_owed_too(pipeline, database, llm):
    llm.model._answer = answering({("Ana sold the grey cat.", CAT): "ends"})
    llm.fail("status", status=500, on="embeddings", containing="owns a grey")
    say(pipeline, CAT)
    [sold] = say(pipeline, "Ana sold the grey cat.")
    take_back(pipeline, sold)
    llm.heal()
    database.execute("UPDATE missing_vectors SET retry_at = now()")
    pipeline.settle()
    assert database.execute("SELECT count(*) FROM facts WHERE status = 'current'").fetchone() == (1,)
    assert has_own_vector(pipeline, database, CAT)
    assert missing(database) == []


def test_a_rewritten_episode_gets_a_vector(pipeline, database):
    _, boat = say(pipeline, CAT, "Ana rows a boat.")
    before = database.execute("SELECT embedding::text FROM vectors WHERE kind = 'episode'").fetchall()
    take_back(pipeline, boat)
    after = database.execute("SELECT embedding::text FROM vectors WHERE kind = 'episode'").fetchall()
    assert len(before) == len(after) == 1 and before != after
    assert missing(database) == []


def test_the_turn_after_a_removed_one_gets_the_vector_of_what_is_left(pipeline, database, llm):
    llm.model._answer = answering({})
    first, _ = say(pipeline, CAT, "Ana rows a boat.")
    take_back(pipeline, first)
    rows = database.execute("SELECT item, embedding::text FROM vectors WHERE kind = 'turn'").fetchall()
    assert [item for item, _ in rows] == ["chat/2"]
    stored = np.array([float(number) for number in rows[0][1].strip("[]").split(",")])
    assert float(stored @ own_vector(pipeline, "Ana: \nAna: Ana rows a boat.")) > 0.999
    assert missing(database) == []


def test_a_space_that_is_used_again_has_no_vector_in_place_of_another(pipeline, database, llm, command):
    """What is owed in a retired space is given up. What stood for it must not come back as if it were the text's."""
    say(pipeline, GINA)
    llm.fail("status", status=500, on="embeddings", containing=f"{GINA[:-1]};")
    say(pipeline, BOSTON)
    assert len(missing(database)) == 1
    command.use(pipeline.settings)
    command.json("embeddings", "switch", "--embedder", "hashing", "--dimension", "64", "--keep")
    pipeline.settle()
    llm.heal()
    command.json("embeddings", "switch", "--embedder", "openai", "--model", "test-model", "--dimension", "256")
    database.execute("UPDATE missing_vectors SET retry_at = now()")
    pipeline.settle()
    rows = database.execute("SELECT model FROM embedding_spaces WHERE state = 'serving'").fetchall()
    assert rows == [("test-model",)]
    retired = "DELETE FROM vectors WHERE space_id IN (SELECT space_id FROM embedding_spaces WHERE state = 'retired')"
    database.execute(retired)
    assert has_own_vector(pipeline, database, UNITED)
