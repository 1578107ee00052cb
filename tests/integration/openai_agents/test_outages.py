"""Postgres or Redis is away, Redis comes back empty, secrets are redacted."""

import json

import pytest
from agents import Agent, RunContextWrapper

from afterturn.errors import MemoryUnavailable
from afterturn.hot import keys
from afterturn.settings import Settings
from api_shim.adapters.openai_agents import memory_instructions
from harness.pipeline import Pipeline
from tests.integration.openai_agents.conftest import SCOPE, message, run

NOWHERE = "postgresql://postgres@127.0.0.1:1/none"


@pytest.fixture
def without_postgres(settings):
    """Settings of a process that does not reach Postgres; the workers do."""
    return Settings(
        **settings.model_dump(exclude_unset=True) | {"postgres_url": NOWHERE, "postgres_timeout_seconds": 1}
    )


@pytest.mark.parametrize("is_archived", [False, True])
def test_recent_items_come_back_without_postgres(make_session, without_postgres, pipeline, is_archived):
    session = make_session(settings=without_postgres)
    items = [message("user", str(number)) for number in range(30)]
    run(session.add_items(items))
    if is_archived:
        pipeline.settle()
    assert run(session.get_items()) == items
    assert run(session.get_items(5)) == items[-5:]
    assert run(session.pop_item()) == items[-1]
    assert run(session.get_items()) == items[:-1]
    run(session.clear_session())
    assert run(session.get_items()) == []
    run(session.add_items(items[:2]))
    assert run(session.get_items()) == items[:2]


def test_a_session_whose_older_turns_redis_dropped_is_not_shown_in_part(make_session, without_postgres, pipeline):
    run(make_session().add_items([message("user", str(number)) for number in range(60)]))
    pipeline.settle()
    session = make_session(settings=without_postgres)
    assert run(session.get_items(50)) == [message("user", str(number)) for number in range(10, 60)]
    with pytest.raises(MemoryUnavailable):
        run(session.get_items())
    # Once read, all of it stays in Redis.
    assert len(run(make_session().get_items())) == 60
    run(make_session().add_items([message("user", "60")]))
    pipeline.settle()
    with pytest.raises(MemoryUnavailable):
        run(session.get_items())


def test_a_session_that_was_read_stays_whole_in_redis(make_session, without_postgres, pipeline):
    items = [message("user", str(number)) for number in range(130)]
    run(make_session().get_items())
    for start in range(0, 130, 10):
        run(make_session().add_items(items[start : start + 10]))
        run(make_session().get_items())
        pipeline.settle()
    assert run(make_session(settings=without_postgres).get_items()) == items


def test_redis_comes_back_empty(make_session, session, pipeline, hot_store):
    items = [message("user", str(number)) for number in range(70)]
    run(session.add_items(items))
    run(session.get_items())
    pipeline.settle()
    hot_store.flushdb()
    assert run(session.get_items()) == items
    assert run(session.pop_item()) == items[-1]
    run(session.add_items([message("user", "new")]))
    assert run(session.get_items()) == [*items[:-1], message("user", "new")]
    pipeline.settle()
    hot_store.flushdb()
    assert run(session.get_items()) == [*items[:-1], message("user", "new")]


def test_nothing_answers(make_session, settings):
    away = Settings(redis_url="redis://127.0.0.1:1/0", postgres_url=NOWHERE, redis_timeout_seconds=0.5)
    session = make_session(settings=away)
    for call in (session.get_items, session.pop_item, session.clear_session):
        with pytest.raises(MemoryUnavailable):
            run(call())
    with pytest.raises(MemoryUnavailable):
        run(session.add_items([message("user", "x")]))


def test_secrets_are_redacted_in_items_too(make_session, settings, pipeline, hot_store):
    redacting = Settings(**settings.model_dump(exclude_unset=True) | {"turn_secrets": "redact"})
    session = make_session(settings=redacting)
    item = {"role": "user", "content": 'My password is "Qa1Tulip!Pond". I live in Porto.', "z": "\x00", "a": 1}
    call = {"type": "function_call", "call_id": "c", "name": "log", "arguments": '{"password": "Qa1Tulip!Pond"}'}
    run(session.add_items([item, call]))
    for _ in range(2):
        found = run(session.get_items())
        assert "Qa1Tulip!Pond" not in json.dumps(found) and "[redacted]" in found[0]["content"]
        assert list(found[0]) == list(item) and found[0]["z"] == "\x00" and found[1]["call_id"] == "c"
        assert all(b"Qa1Tulip" not in fields[b"d"] for _, fields in hot_store.xrange(keys.pending(SCOPE)))
        pipeline.settle()
        hot_store.delete(keys.recent(SCOPE), keys.items(SCOPE))


def test_workers_redact_items_of_writers_that_do_not(make_session, settings, hot_store, database):
    item = {"role": "user", "content": 'The "password" is \\"Qa1Tulip!Pond\\"', "password": "qa2-lantern-field"}
    run(make_session().add_items([item]))
    redacting = Settings(**settings.model_dump(exclude_unset=True) | {"turn_secrets": "redact"})
    with Pipeline(redacting) as pipeline:
        pipeline.settle()
    hot_store.delete(keys.recent(SCOPE), keys.items(SCOPE))
    [found] = run(make_session().get_items())
    assert found.keys() == item.keys() and "qa2-lantern-field" not in json.dumps(found)


def test_instructions_go_on_without_the_memory(without_postgres):
    give = memory_instructions("ana", instructions="Be brief.", settings=without_postgres)
    assert run(give(RunContextWrapper(context=None), Agent(name="a"))) == "Be brief."
