"""Items of the store are among a user's things: exported, forgotten, scrubbed, and read by nobody else."""

import json
import threading

import pytest

from afterturn.database import pool, queries
from afterturn.errors import DatabaseMisconfigured
from afterturn.forgetting import erasures
from afterturn.pipeline.runtime import Runtime
from afterturn.scopes import UserScope
from api_shim.adapters.langgraph import AfterturnStore
from tests import canary

ANA = UserScope("default", "ana")


@pytest.fixture
def store(settings):
    return AfterturnStore(user_id="ana", settings=settings)


@pytest.fixture
def runtime(settings):
    return Runtime(settings)


def test_an_export_has_the_items(store, command):
    store.put(("memories",), "k", {"text": "ramen\x00"})
    records = [json.loads(line) for line in command("export", "ana").out.splitlines()]
    [row] = [record["row"] for record in records if record.get("table") == "documents"]
    assert (row["namespace"], row["key"], json.loads(row["value"])) == (["memories"], "k", {"text": "ramen\x00"})


def test_a_forgotten_user_has_no_items_and_others_keep_theirs(store, settings, runtime, database, hot_store):
    other = AfterturnStore(user_id="ben", settings=settings)
    other.put(("memories",), "k", {"text": "kept"})
    store.put(("memories", canary.WORD), canary.WORD, {canary.WORD: canary.WORD}, ttl=60)
    assert canary.places(database, hot_store, canary.WORD) != []
    receipt = erasures.forget(runtime, ANA)
    assert receipt.removed["documents"] == 1
    assert canary.places(database, hot_store, canary.WORD) == []
    assert store.search(()) == [] and store.list_namespaces() == []
    assert other.get(("memories",), "k") is not None
    store.put(("memories",), "again", {"text": "a new memory"})
    assert [item.key for item in store.search(())] == ["again"]


def test_what_was_put_before_an_erasure_completed_is_forgotten(store, runtime):
    acknowledged, stop = [], threading.Event()

    def put_on():
        while not stop.is_set():
            store.put(("memories",), f"k{len(acknowledged)}", {"n": 1})
            acknowledged.append(f"k{len(acknowledged)}")

    writers = threading.Thread(target=put_on)
    writers.start()
    try:
        while len(acknowledged) < 20:
            pass
        before = len(acknowledged)
        erasures.forget(runtime, ANA)
    finally:
        stop.set()
        writers.join()
    left = {item.key for item in store.search((), limit=10_000)}
    assert left.isdisjoint(f"k{number}" for number in range(before))
    # Those that are left were put after the deletion, one after the other.
    assert left == {f"k{number}" for number in range(len(acknowledged) - len(left), len(acknowledged))}


def test_a_put_waits_for_the_end_of_an_erasure(store, database):
    store.put(("memories",), "k", {"n": 1})
    finished = threading.Event()
    with database.transaction():
        database.execute(queries.load("documents")["lock_erasure"], ANA.key)
        writer = threading.Thread(target=lambda: (store.put(("memories",), "k2", {"n": 2}), finished.set()))
        writer.start()
        assert not finished.wait(0.5)
    writer.join()
    assert finished.is_set() and len(store.search(())) == 2


def test_a_statement_without_a_condition_reads_and_writes_items_of_one_user(store, settings):
    AfterturnStore(user_id="ben", settings=settings).put(("x",), "k", {"whose": "ben"})
    store.put(("x",), "k", {"whose": "ana"})
    with pool.open_app_pool(settings) as opened:
        with pool.user_transaction(opened, ANA) as connection:
            assert connection.execute("SELECT user_id FROM documents").fetchall() == [{"user_id": "ana"}]
            assert connection.execute("DELETE FROM documents RETURNING user_id").fetchall() == [{"user_id": "ana"}]
        with pytest.raises(DatabaseMisconfigured), pool.user_transaction(opened, ANA) as connection:
            connection.execute(
                "INSERT INTO documents (tenant_id, user_id, document_id, namespace, key, path_start, value, fields, "
                "created_at, updated_at) "
                "VALUES ('default', 'ben', decode(repeat('00', 32), 'hex'), '{x}', 'k2', 'x', '{}', '{}', now(), now())"
            )
    assert AfterturnStore(user_id="ben", settings=settings).get(("x",), "k").value == {"whose": "ben"}
