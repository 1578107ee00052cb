"""Documents, locks and checkpoints are exported; forgotten, also while a call is on its way; and cleaned up."""

import json

import pytest

from afterturn import MemoryClient
from afterturn.errors import DatabaseMisconfigured
from afterturn.forgetting import erasures
from afterturn.forgetting.export import export_records
from afterturn.hot import keys
from afterturn.pipeline.stages import sweep
from afterturn.scopes import UserScope
from tests import canary

ANA = UserScope("default", "ana")
#: The effects of a put whose document is not in Redis: the script, Postgres, the copy, the script, Postgres.
EFFECTS = 5


@pytest.fixture
def memory(settings, hot_store):
    return MemoryClient("ana", "chat", "planner", settings=settings)


def test_an_export_has_everything(memory, pipeline):
    memory.state.put("plan", {"city": canary.WORD})
    memory.state.put("notes", [canary.WORD, "\x00\ud800", 2.0], scope="agent", ttl_seconds=600)
    memory.checkpoint("trip").step("one", lambda: canary.WORD)
    with memory.lock("plan"):
        records = list(export_records(pipeline.runtime.user_stores, ANA))
    json.dumps([record.values for record in records], ensure_ascii=False).encode("utf-8", "surrogatepass")
    hot = {record.values["row"]["key"]: record.values["row"] for record in records if record.kind == "redis.state"}
    assert set(hot) == {"plan", "notes", "checkpoint"}
    assert hot["notes"] | {"version": 0} == {
        "scope": "agent",
        "owner_id": "planner",
        "key": "notes",
        "version": 0,
        "document": [canary.WORD, "\x00\ud800", 2.0],
    }
    assert [record.values["row"] for record in records if record.kind == "redis.lock"] == [{"name": "plan"}]
    stored = {record.values["row"]["key"]: record.values["row"] for record in records if record.kind == "agent_states"}
    assert set(stored) == set(hot) and canary.WORD in stored["plan"]["document"]


@pytest.mark.parametrize("place", range(EFFECTS))
@pytest.mark.parametrize("is_repeated", [False, True])
def test_a_put_on_its_way_leaves_nothing_of_a_forgotten_user(memory, pipeline, database, hot_store, place, is_repeated):
    memory.state.put("plan", f"old {canary.WORD}")
    hot_store.flushdb()
    driver, done = memory._driver, []
    execute = driver._execute

    def forget_before(effect):
        if len(done) == place:
            erasures.forget(pipeline.runtime, ANA)
        done.append(effect)
        return execute(effect)

    driver._execute = forget_before
    try:
        memory.state.put("plan", f"new {canary.WORD}")
    finally:
        driver._execute = execute
    assert len(done) >= EFFECTS
    # The version that Redis acknowledged after the erasure is a new memory; what was acknowledged before is gone.
    is_before = place == EFFECTS - 1
    assert memory.state.get("plan") == ((None, 0) if is_before else (f"new {canary.WORD}", 1))
    erasures.forget(pipeline.runtime, ANA)
    if is_repeated:
        pipeline.settle()
    assert canary.places(database, hot_store, canary.WORD) == []
    assert database.execute("SELECT count(*) FROM users").fetchone() == (0,)


def test_a_get_on_its_way_brings_nothing_back(memory, pipeline, database, hot_store):
    memory.state.put("plan", canary.WORD)
    hot_store.flushdb()
    driver, done = memory._driver, []
    execute = driver._execute

    def forget_after_the_read(effect):
        answer = execute(effect)
        done.append(effect)
        if len(done) == 2:
            erasures.forget(pipeline.runtime, ANA)
        return answer

    driver._execute = forget_after_the_read
    assert memory.state.get("plan") == (None, 0)
    driver._execute = execute
    pipeline.settle()
    assert canary.places(database, hot_store, canary.WORD) == []


def test_an_archive_on_its_way_brings_nothing_back(memory, pipeline, database, hot_store, monkeypatch):
    memory.state.put("plan", canary.WORD)
    database.execute("DELETE FROM agent_states")
    monkeypatch.setattr(
        "afterturn.faults.point",
        lambda point: point == "archive.entries_read" and erasures.forget(pipeline.runtime, ANA),
    )
    pipeline.settle()
    assert canary.places(database, hot_store, canary.WORD) == []
    assert memory.state.put("plan", "again", expected=0) == 1


def test_a_lock_of_a_forgotten_user_cannot_write(memory, pipeline):
    with memory.lock("plan") as lock:
        erasures.forget(pipeline.runtime, ANA)
        with pytest.raises(Exception) as caught:
            memory.state.put("plan", 1, fence=lock)
    assert caught.value.code == "stale_fence"


def test_expired_and_deleted_documents_are_cleaned_up(memory, pipeline, database, hot_store):
    memory.state.put("expired", canary.WORD, ttl_seconds=0.01)
    memory.state.put("deleted", canary.WORD)
    memory.state.delete("deleted")
    memory.state.put("kept", 1, ttl_seconds=600)
    pipeline.settle()
    hot_store.delete(keys.state(ANA), keys.documents(ANA), keys.RECONCILE_GATE)
    sweep.reconcile_if_due(pipeline.runtime)
    rows = database.execute("SELECT key, version, document FROM agent_states ORDER BY key").fetchall()
    assert rows == [("deleted", 2, None), ("expired", 1, None), ("kept", 1, "1")]
    assert memory.state.put("expired", "again", expected=0) == 2
    database.execute("UPDATE agent_states SET updated_at = now() - interval '8 days'")
    hot_store.delete(keys.RECONCILE_GATE)
    sweep.reconcile_if_due(pipeline.runtime)
    assert database.execute("SELECT key FROM agent_states ORDER BY key").fetchall() == [("expired",), ("kept",)]


def test_the_reader_cannot_write_the_table_nor_for_another_user(settings, memory, database):
    import psycopg

    from afterturn.database import pool

    memory.state.put("plan", 1)
    with pool.open_app_pool(settings) as app:
        for statement in (
            "INSERT INTO agent_states SELECT * FROM agent_states",
            "UPDATE agent_states SET document = '2'",
            "DELETE FROM agent_states",
            "SELECT setval('agent_fences', 1)",
        ):
            with (
                pytest.raises(DatabaseMisconfigured, match="permission denied"),
                pool.user_transaction(app, ANA) as connection,
            ):
                connection.execute(statement)
        with pytest.raises(psycopg.Error), app.connection() as connection:
            connection.execute("SELECT store_own_state('user', '', 'plan', 9, '9', 0, 'x', NULL, 0)")
        with pool.user_transaction(app, UserScope("default", "ben")) as connection:
            assert connection.execute("SELECT count(*) AS n FROM agent_states").fetchone() == {"n": 0}
    assert database.execute("SELECT user_id, document FROM agent_states").fetchall() == [("ana", "1")]
