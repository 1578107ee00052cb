"""Forgetting a user: all data can be exported; then it is deleted everywhere at once, and the id can be used again."""

import threading

import pytest

from afterturn.forgetting import erasures, export
from afterturn.hot import keys
from afterturn.scopes import UserScope
from api_shim import MemoryClient
from tests import canary

ANA = UserScope("default", "ana")


def exported(pipeline, scope=ANA):
    return [record.values for record in export.export_records(pipeline.runtime.user_stores, scope)]


def settled(pipeline, database):
    """Process all open work, and let Postgres analyze the tables."""
    pipeline.settle()
    database.execute("ANALYZE")


def test_what_was_remembered_is_forgotten_at_once(settings, pipeline, database, hot_store):
    memory = canary.write_about(settings, "ana")
    settled(pipeline, database)
    # One more turn, which no worker has read.
    memory.write("user", f"{canary.WORD} barks.")
    assert memory.recall("dog") and memory.history() and memory.summary()
    assert {"turns", "facts", "answers", "episodes"} <= set(canary.places(database, hot_store, canary.WORD))

    receipt = erasures.forget(pipeline.runtime, ANA)

    assert memory.recall("dog") == memory.recall() == memory.history() == []
    assert memory.summary() is None
    assert canary.places(database, hot_store, canary.WORD, canary.ID) == []
    assert not any(canary.rows(database, tenant_id="default", user_id="ana").values())
    assert (receipt.epoch, receipt.owner_hash) == (1, erasures.owner_hash(ANA))
    assert receipt.requested_at <= receipt.completed_at
    removed = receipt.removed
    assert (removed["turns"], removed["batches"], removed["agent_states"]) == (2, 1, 3)
    assert (removed["redis.pending"], removed["redis.recent"]) == (1, 2)


def test_nothing_is_counted_as_pending_any_more(settings, pipeline, hot_store):
    counter = keys.pending_bytes(keys.shard_of("default", "ana"))
    canary.write_about(settings, "ana")
    assert int(hot_store.get(counter)) > 0
    erasures.forget(pipeline.runtime, ANA)
    assert int(hot_store.get(counter)) == 0
    assert list(hot_store.scan_iter("at:*:ana:*")) == []


def test_many_pending_turns_and_sessions_are_removed(settings, pipeline, hot_store):
    for number in range(5):
        memory = MemoryClient("ana", f"chat-{number}", settings=settings)
        for _ in range(1 + number % 2):
            memory.write_many({"role": "user", "content": canary.WORD} for _ in range(1_000))
    receipt = erasures.forget(pipeline.runtime, ANA)
    assert receipt.removed == {"redis.pending": 7_000}
    assert hot_store.zcard(keys.due(keys.shard_of("default", "ana"))) == 0


def test_the_export_contains_everything_and_after_forgetting_nothing(settings, pipeline, database):
    memory = canary.write_about(settings, "ana")
    settled(pipeline, database)
    memory.write("user", "One more.")
    before = canary.rows(database, tenant_id="default", user_id="ana")
    records = exported(pipeline)
    by_table = {}
    for record in records:
        if "table" in record:
            by_table.setdefault(record["table"], []).append(record["row"])
    assert {table: len(rows) for table, rows in by_table.items()} == {
        t: len(rows) for t, rows in before.items() if rows
    }
    assert [row["position"] for row in by_table["turns"]] == [1, 2]
    assert all(isinstance(number, int | float) for row in by_table["vectors"] for number in row["embedding"])
    hot = [(record["key"], record["row"].get("entry", {}).get("content")) for record in records if "key" in record]
    assert ("pending", "One more.") in hot
    assert sum(kind == "recent" for kind, _ in hot) == 2
    erasures.forget(pipeline.runtime, ANA)
    assert exported(pipeline) == []


def test_others_keep_every_byte(settings, pipeline, database, hot_store):
    others = [("default", "ben"), ("other", "ana"), ("default", "an"), ("default", "ana:x"), ("default", "*")]
    canary.write_about(settings, "ana")
    for tenant_id, user_id in others:
        canary.write_about(settings, user_id, word="Rex", tenant_id=tenant_id)
    settled(pipeline, database)
    for tenant_id, user_id in [("default", "ana"), *others]:
        canary.write_about(settings, user_id, word="Bello", tenant_id=tenant_id, session_id="later")

    def held():
        quoted = [keys.members_of_user(UserScope(*other)).removesuffix(":*") for other in others]
        tables = [canary.rows(database, tenant_id=tenant_id, user_id=user_id) for tenant_id, user_id in others]
        return tables, [canary.keys(hot_store, name) for name in quoted]

    before = held()
    assert all(before[0][0].values()) or before[0][0]["turns"]
    assert all(before[1])
    erasures.forget(pipeline.runtime, ANA)
    assert held() == before


def test_the_same_id_starts_with_an_empty_memory(settings, pipeline, database, hot_store):
    memory = canary.write_about(settings, "ana")
    # Redis's clock was ahead, and was set back afterwards.
    hot_store.xadd(
        keys.pending(memory._session.scope),
        {"i": "x", "d": b'{"v":1,"id":"x","mark":"flush"}'},
        "9999999999999-0",
    )
    settled(pipeline, database)
    erasures.forget(pipeline.runtime, ANA)
    assert memory.write("user", "I live in Rome.", name="Ana", turn_id="first") == "first"
    assert [turn.content for turn in memory.history()] == ["I live in Rome."]
    settled(pipeline, database)
    assert [found.text for found in memory.recall("Where does Ana live?") if found.kind == "fact"] == [
        "Ana lives in Rome."
    ]
    assert "Rome" in (memory.summary() or "")
    assert database.execute("SELECT turn_id, position FROM turns").fetchall() == [("first", 1)]
    assert database.execute("SELECT user_seq, state FROM batches").fetchall() == [(1, "applied")]
    assert canary.places(database, hot_store, canary.WORD) == []


def test_an_unknown_user_can_be_forgotten_and_a_known_one_repeatedly(settings, pipeline):
    assert erasures.forget(pipeline.runtime, UserScope("default", "nobody")).removed == {}
    for epoch in (1, 2, 3):
        MemoryClient("ana", settings=settings).write("user", "I live in Porto.")
        pipeline.settle()
        receipt = erasures.forget(pipeline.runtime, ANA)
        assert (receipt.epoch, receipt.removed["turns"]) == (epoch, 1)


def test_the_sweep_finishes_an_unfinished_erasure(settings, pipeline, database, hot_store):
    memory = canary.write_about(settings, "ana")
    settled(pipeline, database)
    with pipeline.runtime.postgres.connection() as connection:
        assert erasures.request_erasure(connection, ANA) == erasures.request_erasure(connection, ANA) == 1
    database.execute("UPDATE erasures SET requested_at = now() - interval '2 seconds'")
    pipeline.settle()
    assert memory.history() == []
    assert canary.places(database, hot_store, canary.WORD, canary.ID) == []
    # The remaining row does not identify the user.
    rows = database.execute("SELECT tenant_id, user_id, owner_hash, completed_at IS NULL FROM erasures").fetchall()
    assert rows == [(None, None, erasures.owner_hash(ANA), False)]
    assert pipeline.do("erase", "default", "ana") is False


def test_late_messages_do_not_create_the_user_again(settings, pipeline, database):
    memory = canary.write_about(settings, "ana")
    settled(pipeline, database)
    [(batch_id,)] = database.execute("SELECT batch_id FROM batches").fetchall()
    erasures.forget(pipeline.runtime, ANA)
    session_id = memory._session.scope.session_id
    pipeline.do("archive", [["default", "ana", session_id]])
    for stage in ("extract", "embed", "consolidate"):
        assert pipeline.do(stage, "default", "ana", str(batch_id)) is False
    assert pipeline.do("summarize", "default", "ana", session_id) is False
    assert not any(canary.rows(database, tenant_id="default", user_id="ana").values())


def test_an_erasure_that_was_paused_removes_no_later_data(settings, pipeline, database, hot_store, monkeypatch):
    from afterturn import faults

    memory = canary.write_about(settings, "ana")
    settled(pipeline, database)
    asleep, woken = threading.Event(), threading.Event()

    def sleep(point):
        if point == "erase.rows_deleted" and not asleep.is_set():
            asleep.set()
            assert woken.wait(30)

    monkeypatch.setattr(faults, "point", sleep)
    results = []

    def carry_out():
        try:
            results.append(erasures.run_erasure(pipeline.runtime, ANA))
        except Exception as error:
            results.append(error)

    with pipeline.runtime.postgres.connection() as connection:
        erasures.request_erasure(connection, ANA)
    sleeper = threading.Thread(target=carry_out)
    sleeper.start()
    assert asleep.wait(10)
    # Postgres ends the transaction of the paused erasure, and another one finishes.
    receipt = erasures.forget(pipeline.runtime, ANA)
    memory.write("user", "I live in Rome.")
    woken.set()
    sleeper.join(20)
    assert receipt.epoch == 1
    assert results == [False]
    assert [turn.content for turn in memory.history()] == ["I live in Rome."]


@pytest.mark.parametrize("seconds", [0, 61])
def test_the_vector_of_a_question_is_cached_for_its_user_only_and_for_a_minute(settings, monkeypatch, seconds):
    from afterturn.recall import question_embedder

    asked = []

    class Embedder:
        def embed(self, texts):
            asked.extend(texts)
            return [[1.0] for _ in texts]

    clock = [0.0]
    monkeypatch.setattr(question_embedder.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(question_embedder.spaces, "open_embedder", lambda space, settings: Embedder())
    embedder = question_embedder.QuestionEmbedder(settings)
    embedder.use([{"space_id": 1, "provider": "p", "model": "m", "dimension": 1, "state": "serving"}])
    for user_id in ("ana", "ben", "ana"):
        assert embedder.embed(UserScope("default", user_id), "Where?") == [1.0]
    assert len(asked) == 2
    clock[0] += seconds
    embedder.embed(ANA, "Where?")
    assert len(asked) == (3 if seconds else 2)
    assert "Where?" not in repr(vars(embedder))
