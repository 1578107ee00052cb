"""A switch of the embedding model while things fail, change or go: nothing is lost, and live turns do not wait."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import subprocess
import sys
import threading

import pytest

from afterturn import faults
from afterturn.batches import leases
from afterturn.embedding import hashing, named_model, spaces, switching
from afterturn.errors import EmbeddingSwitchRefused, ModelUnavailable
from afterturn.forgetting import erasures
from afterturn.local.environment import child_environment
from afterturn.pipeline.stages import spaces as spaces_stage
from afterturn.recall import question_embedder
from afterturn.scopes import UserScope
from api_shim import AsyncMemoryClient, MemoryClient
from harness.llm_server import LLMServer
from harness.pipeline import Pipeline

pytestmark = pytest.mark.usefixtures("restored_spaces")

ANA = UserScope("default", "ana")
ITEMS = "SELECT user_id, kind, item FROM vectors WHERE space_id = %s ORDER BY 1, 2, 3"


@pytest.fixture
def endpoint():
    with LLMServer() as server:
        yield server


@pytest.fixture
def reaching(settings, endpoint):
    """A pipeline whose workers reach the new model."""
    given = settings.model_dump(exclude_unset=True) | {"embedding_base_url": endpoint.base_url, "hint_seconds": 1}
    with Pipeline(type(settings)(**given)) as pipeline:
        yield pipeline


def say(pipeline, *texts, user="ana"):
    memory = MemoryClient(user, settings=pipeline.settings)
    memory.write_many({"role": "user", "content": text} for text in texts)
    memory.flush()
    pipeline.settle()
    return memory


def begin(pipeline, dimension=64, **more):
    target = {"provider": "hashing", "model": hashing.MODEL, "dimension": dimension, "keeps_previous": False} | more
    with pipeline.runtime.postgres.connection() as connection:
        return switching.begin(connection, **target)


def begin_at_endpoint(pipeline):
    return begin(pipeline, provider="openai", model="test-model", dimension=256)


def read_states(database):
    return dict(database.execute("SELECT state, dimension FROM embedding_spaces").fetchall())


def complete(database):
    """Return whether the serving space has each vector of the retired one."""
    ids = dict(database.execute("SELECT state, space_id FROM embedding_spaces").fetchall())
    new, old = (set(database.execute(ITEMS, [ids[state]]).fetchall()) for state in ("serving", "retired"))
    return bool(old) and new >= old


def hand_out_again(database):
    database.execute("UPDATE users SET vectors_hinted_at = NULL")


def test_while_the_new_endpoint_is_away_live_turns_go_on_and_the_cause_is_shown(reaching, endpoint, database, command):
    say(reaching, "I own a dog.")
    endpoint.fail("status", status=503, on="embeddings")
    begin_at_endpoint(reaching)
    say(reaching, "I own a boat.", "I own a kite.")
    assert database.execute("SELECT DISTINCT state FROM batches").fetchall() == [("applied",)]
    command.use(reaching.settings)
    building = command.json("embeddings", "status")["building"]
    assert building["model"] == "test-model"
    assert building["problem"].startswith(("model_unavailable", "endpoint_paused"))
    breakers = command.json("status")["breakers"]
    assert (breakers["embedder"]["state"], breakers["next_embedder"]["state"]) == ("closed", "open")
    endpoint.heal()
    reaching.runtime.redis.delete("at:breaker:next_embedder")
    hand_out_again(database)
    reaching.settle()
    assert read_states(database) == {"serving": 256, "retired": 512}
    assert complete(database)
    assert command.json("embeddings", "status")["serving"]["problem"] is None


def test_the_endpoint_goes_away_in_the_middle(reaching, endpoint, database, monkeypatch):
    monkeypatch.setattr(spaces_stage, "TEXTS_PER_CALL", 2)
    say(reaching, *(f"I own {number} boats." for number in range(6)))
    begin_at_endpoint(reaching)
    real, calls = reaching.runtime.embed_each, []

    def third_fails(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 3:
            raise ModelUnavailable("away")
        return real(*arguments, **options)

    monkeypatch.setattr(reaching.runtime, "embed_each", third_fails)
    reaching.settle()
    hand_out_again(database)
    reaching.settle()
    assert read_states(database) == {"serving": 256, "retired": 512}
    assert complete(database)
    # What was stored before it went away was not asked for again.
    items = database.execute("SELECT count(DISTINCT (kind, item)) FROM vectors").fetchone()[0]
    assert sum(len(texts) for _, texts in calls) == 2 + items


def test_a_worker_that_cannot_reach_the_new_model_leaves_it_to_the_others(reaching, pipeline, database):
    """The settings of two workers differ: one has no endpoint."""
    say(pipeline, "I own a dog.")
    begin_at_endpoint(pipeline)
    say(pipeline, "I own a boat.")
    assert read_states(database)["building"] == 256
    problem = database.execute("SELECT problem FROM embedding_spaces WHERE state = 'building'").fetchone()[0]
    assert problem.startswith("endpoint_misconfigured") and "AFTERTURN_EMBEDDING_API_KEY" in problem
    assert database.execute("SELECT DISTINCT state FROM batches").fetchall() == [("applied",)]
    hand_out_again(database)
    reaching.settle()
    assert read_states(database) == {"serving": 256, "retired": 512}
    assert complete(database)


def test_a_client_that_does_not_reach_the_new_model_recalls_by_words_and_says_so(
    reaching, pipeline, database, monkeypatch, caplog
):
    monkeypatch.setattr(question_embedder, "SPACE_SECONDS", 0.0)
    memory = say(pipeline, "I own a dog.")
    assert memory.recall("dog")
    begin_at_endpoint(pipeline)
    reaching.settle()
    assert read_states(database) == {"serving": 256, "retired": 512}
    with caplog.at_level(logging.WARNING):
        found = [memory.recall("dog"), asyncio.run(_recall_async(pipeline.settings))]
    assert all(memories[0].kind == "fact" for memories in found)
    said = [record.getMessage() for record in caplog.records if "searches by words only" in record.getMessage()]
    assert len(said) == 2
    assert "test-model (openai, dimension 256)" in said[0] and "AFTERTURN_EMBEDDING_API_KEY" in said[0]


async def _recall_async(settings):
    return await AsyncMemoryClient("ana", settings=settings).recall("dog")


def test_two_switches_at_once_are_one(pipeline, database):
    say(pipeline, "I own a dog.")
    outcomes = []

    def switch(dimension):
        try:
            outcomes.append(begin(pipeline, dimension).is_new)
        except EmbeddingSwitchRefused:
            outcomes.append("refused")

    threads = [threading.Thread(target=switch, args=(dimension,)) for dimension in (64, 128, 64, 128)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == ["False", "True", "refused", "refused"]
    pipeline.settle()
    assert complete(database)


def test_a_batch_that_is_embedded_by_a_worker_that_does_not_know_the_new_space_is_found(pipeline, database):
    """It loaded the spaces before the switch began, and commits after its user was looked at; or it is of an older
    release. Its lease tells."""
    say(pipeline, "I own a dog.")
    memory = MemoryClient("ana", settings=pipeline.settings)
    memory.write("user", "I own a boat.")
    memory.flush()
    while not database.execute("SELECT FROM batches WHERE state = 'extracted'").fetchall():
        pipeline.sweep()
        pipeline.step()
    [(batch_id,)] = database.execute("SELECT batch_id FROM batches WHERE state = 'extracted'").fetchall()
    pipeline.hints.waiting.clear()
    with pipeline.runtime.postgres.connection() as connection:
        lease = pipeline.runtime.leases.claim(connection, ANA, "batch", str(batch_id))
    begin(pipeline)
    spaces_stage.update_vectors(pipeline.runtime, ANA)
    with pipeline.runtime.postgres.connection() as connection:
        switching.advance(connection)
    assert read_states(database) == {"serving": 512, "building": 64}
    with pipeline.runtime.postgres.connection() as connection:
        leases.try_release(connection, lease)
    pipeline.runtime.leases.forget(lease)
    hand_out_again(database)
    database.execute("UPDATE batches SET hinted_at = NULL")
    pipeline.settle()
    assert read_states(database) == {"serving": 64, "retired": 512}
    assert complete(database)


def test_a_switch_between_the_failed_call_and_the_commit_of_a_batch_is_noticed(pipeline, database, monkeypatch):
    """A batch lacks the vectors of a space that serves by the time it is committed: it is embedded again."""
    say(pipeline, "I own a dog.")
    begin(pipeline)
    real = pipeline.runtime.embed_each

    def fails_and_is_switched(space, texts, **options):
        if space.is_building and not options.get("caller"):
            return real(space, texts, **options)
        if space.is_building:
            database.execute("UPDATE embedding_spaces SET state = 'retired' WHERE state = 'serving'")
            database.execute("UPDATE embedding_spaces SET state = 'serving' WHERE state = 'building'")
            raise ModelUnavailable("away")
        return real(space, texts, **options)

    monkeypatch.setattr(pipeline.runtime, "embed_each", fails_and_is_switched)
    memory = say(pipeline, "I own a boat.")
    database.execute("UPDATE batches SET hinted_at = NULL WHERE state = 'extracted'")
    pipeline.settle()
    [(serving,)] = database.execute("SELECT space_id FROM embedding_spaces WHERE state = 'serving'").fetchall()
    assert database.execute("SELECT DISTINCT state FROM batches").fetchall() == [("applied",)]
    facts = database.execute("SELECT count(*) FROM vectors WHERE kind = 'fact' AND space_id = %s", [serving]).fetchone()
    assert facts == (2,)
    assert memory.recall("boat")


def test_what_is_taken_back_while_it_is_embedded_gets_no_vector(pipeline, database, monkeypatch):
    memory = MemoryClient("ana", settings=pipeline.settings)
    taken_back = memory.write("user", "I own a xylophone.")
    memory.flush()
    pipeline.settle()
    say(pipeline, "I own a dog.")
    begin(pipeline)
    done = []

    def take_back(point):
        if point == "spaces.vectors_received" and not done:
            done.append(point)
            memory.remove(taken_back)
            with Pipeline(pipeline.settings) as other:
                other.sweep()
                while other.hints.waiting:
                    other.step()

    monkeypatch.setattr(faults, "point", take_back)
    pipeline.settle()
    assert done and read_states(database) == {"serving": 64, "retired": 512}
    assert complete(database)
    left = database.execute("SELECT kind, item FROM vectors WHERE kind = 'turn' AND item LIKE '%/1'").fetchall()
    assert left == []
    assert not any("xylophone" in found.text for found in memory.recall("xylophone"))


def test_an_edit_during_the_build_is_embedded_in_both(pipeline, database):
    memory = say(pipeline, "I own a dog.")
    begin(pipeline)
    [fact] = memory.facts()
    memory.correct_fact(fact.fact_id, "The user owns a cat.")
    pipeline.settle()
    assert read_states(database) == {"serving": 64, "retired": 512}
    assert complete(database)
    assert [fact.text for fact in memory.facts()] == ["The user owns a cat."]


@pytest.mark.parametrize("point", ["spaces.vectors_received", "spaces.vectors_stored", "spaces.before_commit"])
def test_nothing_of_a_user_who_is_forgotten_meanwhile_is_left_in_either_space(pipeline, database, monkeypatch, point):
    say(pipeline, "I own a dog.")
    say(pipeline, "I own a parrot.", user="ben")
    begin(pipeline)
    threads = []

    def forget(reached):
        if reached == point and not threads:
            threads.append(threading.Thread(target=erasures.forget, args=(pipeline.runtime, ANA)))
            threads[0].start()
            threads[0].join(0.5)

    monkeypatch.setattr(faults, "point", forget)
    pipeline.settle()
    threads[0].join(20)
    pipeline.settle()
    assert database.execute("SELECT DISTINCT user_id FROM vectors").fetchall() in ([("ben",)], [])
    assert database.execute("SELECT FROM missing_vectors").fetchall() == []
    assert read_states(database) == {"serving": 64, "retired": 512}
    assert complete(database)


def test_a_text_that_the_new_model_refuses_is_noted_and_the_others_are_embedded(reaching, endpoint, database, command):
    say(reaching, "I own a dog.", "I own a xylophone.")
    endpoint.fail("status", status=400, on="embeddings", containing="xylophone")
    begin_at_endpoint(reaching)
    reaching.settle()
    assert read_states(database) == {"serving": 256, "retired": 512}
    command.use(reaching.settings)
    assert command.json("embeddings", "status")["serving"]["refused"] >= 1
    assert {row["kind"] for row in command.json("dead", "list")} == {"vector"}


KILLED = """
import sys
from afterturn import settings
from afterturn.pipeline.runtime import Runtime
from afterturn.pipeline.stages import spaces
from afterturn.scopes import UserScope
spaces.TEXTS_PER_CALL = 2
spaces.update_vectors(Runtime(settings.load()), UserScope("default", "ana"))
"""


@pytest.mark.parametrize(
    "point", ["after_claim", "vectors_received", "vectors_stored", "before_commit", "before_switch"]
)
def test_a_worker_that_is_killed_at_any_step_costs_one_call_at_the_most(pipeline, database, tmp_path, point):
    say(pipeline, *(f"I own {number} boats." for number in range(5)))
    begin(pipeline)
    environment = child_environment(pipeline.settings) | {
        faults.ENVIRONMENT_VARIABLE: f"spaces.{point} kill {tmp_path / 'fired'}"
    }
    ended = subprocess.run([sys.executable, "-c", KILLED], env=environment, cwd=os.getcwd(), timeout=60)
    assert ended.returncode == -signal.SIGKILL
    assert read_states(database) == {"serving": 512, "building": 64}
    # The lease of the killed one ends after two seconds (AFTERTURN_LEASE_SECONDS).
    database.execute("UPDATE leases SET until = now() - interval '1 second'")
    hand_out_again(database)
    pipeline.settle()
    assert read_states(database) == {"serving": 64, "retired": 512}
    assert complete(database)


def test_a_batch_that_waits_to_be_applied_is_embedded_too(pipeline, database):
    """Its facts are candidates yet, and its episode is a draft."""
    say(pipeline, "I own a dog.")
    memory = MemoryClient("ana", settings=pipeline.settings)
    memory.write("user", "I own a boat.")
    memory.flush()
    while not database.execute("SELECT FROM batches WHERE state = 'extracted' AND embedded_at IS NOT NULL").fetchall():
        pipeline.sweep()
        pipeline.step()
    pipeline.hints.waiting.clear()
    begin(pipeline)
    assert spaces_stage.update_vectors(pipeline.runtime, ANA)
    assert read_states(database) == {"serving": 64, "retired": 512}
    assert complete(database)
    database.execute("UPDATE batches SET hinted_at = NULL WHERE state = 'extracted'")
    pipeline.settle()
    assert memory.recall("boat")[0].kind == "fact"


def test_settings_that_name_another_model_are_said_once_per_process(pipeline, caplog, monkeypatch):
    monkeypatch.setattr(named_model, "_logged", set())
    other = type(pipeline.settings)(**pipeline.settings.model_dump(exclude_unset=True) | {"embedder": "fastembed"})
    with caplog.at_level(logging.WARNING):
        for memory in (MemoryClient("ana", settings=other), MemoryClient("ben", settings=other)):
            memory.recall("dog")
        asyncio.run(_recall_async(other))
    said = [record.getMessage() for record in caplog.records if "embeddings switch" in record.getMessage()]
    assert len(said) == 1
    assert said[0].startswith(
        "AFTERTURN_EMBEDDER: the settings name sentence-transformers/all-MiniLM-L6-v2 (fastembed)"
    )


def test_status_names_settings_without_effect(pipeline, command):
    other = pipeline.settings.model_dump(exclude_unset=True) | {"embedder": "openai", "embedding_model": "m-9"}
    command.use(type(pipeline.settings)(**other))
    for warnings in (
        command.json("embeddings", "status")["warnings"],
        command.json("status")["embeddings"]["warnings"],
    ):
        assert len(warnings) == 1 and "m-9 (openai)" in warnings[0] and "hashing-1" in warnings[0]
    assert "m-9 (openai)" in command("status").out
    assert "m-9 (openai)" in command("embeddings", "status").out


def test_a_space_that_is_built_or_serves_needs_no_warning(pipeline, settings):
    begin(pipeline)
    with pipeline.runtime.postgres.connection() as connection:
        active = spaces.read_active_spaces(connection)
    for given in ({}, {"embedding_dimension": 64}, {"embedder": "hashing"}, {"embedding_dimension": 512}):
        named = type(settings)(**settings.model_dump(exclude_unset=True) | given)
        assert named_model.find_warnings(named, active) == [], given
