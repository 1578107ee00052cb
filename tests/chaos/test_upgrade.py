"""A rolling upgrade: what the previous release has put into Redis, the broker and Postgres is still understood.

What stands here is written out, not made by this release's code, and must never be changed: a new version is added.
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from contextlib import contextmanager

import pytest
import redis

from afterturn.forgetting import erasures, export
from afterturn.hot import keys, scripts
from afterturn.hot.pending import CLAIM_SPREAD_MILLISECONDS
from afterturn.pipeline.runtime import Runtime
from afterturn.scopes import SessionScope, UserScope
from api_shim import MemoryClient
from harness.chaos.lane import Lane
from harness.chaos.worker_process import WorkerProcess
from harness.waiting import wait_until

TURN_1 = (
    b'{"v":1,"id":"turn-1","role":"user","content":"I live in Porto.","at":1767603600.5,"name":"Ana",'
    b'"agent":"concierge","metadata":{"channel":"web"},"shown":["memory-1"]}'
)
SPARE_TURN_1 = b'{"v":1,"id":"turn-2","role":"assistant","content":"Noted.","at":1767603601.0}'
FLUSH_1 = b'{"v":1,"id":"mark-1","mark":"flush"}'
TURN_OF_THE_FUTURE = b'{"v":2,"id":"turn-3","role":"user","content":"From a newer client.","at":1767603602.0}'
NOTE_OF_THE_FUTURE = b'{"v":1,"id":"note-1","kind":"note","text":"Ana sounds tired."}'
#: The next release's workers, and what its migration does.
NEWER_APP = "harness.chaos.newer_app"
MIGRATION = (
    "CREATE TABLE notes (tenant_id text, user_id text, session_id text, note_id text, text text,"
    " PRIMARY KEY (tenant_id, user_id, session_id, note_id)); GRANT SELECT, INSERT, DELETE ON notes TO afterturn_worker"
)
ROLLBACK = "DROP TABLE IF EXISTS notes"
ANA = UserScope("default", "ana")

#: What the extractors of version 1 answered.
ANSWERS = {
    ("extract-2", "gpt-4o-mini"): '{"facts":[{"text":"Ana lives in Porto.","category":"place","topics":["home"],'
    '"subject":"Ana","attribute":"lives_in","value":"Porto","importance":0.7,"valid_from":null,"valid_to":null,'
    '"evidence":[{"turn":1,"quote":"I live in Porto."}]}],'
    '"episode":{"title":"A home","summary":"Ana says where she lives.","outcome":"none"}}',
    ("rules-1", "offline-rules"): '{"facts":[{"text":"Ana lives in Porto.","category":"place","topics":["Porto"],'
    '"subject":"Ana","attribute":"lives_in","value":"Porto","importance":0.8,"valid_from":null,"valid_to":null,'
    '"evidence":[{"turn":1,"quote":"I live in Porto."}]}],"episode":null}',
}


def _message(stage: str, arguments: str) -> str:
    """A message as Celery 5.6 lays it into Redis."""
    body = f'[{arguments}, {{}}, {{"callbacks": null, "errbacks": null, "chain": null, "chord": null}}]'
    task_id = str(uuid.uuid4())
    return json.dumps(
        {
            "body": base64.b64encode(body.encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {"lang": "py", "task": f"afterturn.{stage}", "id": task_id, "root_id": task_id, "retries": 0},
            "properties": {
                "correlation_id": task_id,
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": stage},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid.uuid4()),
            },
        }
    )


def _put(client: redis.Redis, *payloads: bytes) -> str:
    scope = SessionScope("default", "ana", "chat")
    shard = keys.shard_of("default", "ana")
    for payload in payloads:
        client.xadd(keys.pending(scope), {"i": json.loads(payload)["id"], "d": payload})
    client.zadd(keys.due(shard), {keys.member(scope): 1})
    client.set(keys.pending_bytes(shard), sum(map(len, payloads)))
    return keys.pending(scope)


def test_pending_turns_and_marks_of_version_1(pipeline, database, hot_store):
    pending = _put(hot_store, TURN_1, SPARE_TURN_1, FLUSH_1)
    pipeline.settle()
    rows = database.execute(
        "SELECT turn_id, role, content, extract(epoch FROM occurred_at)::float, name, agent_id, metadata, "
        "memories_shown FROM turns ORDER BY position"
    ).fetchall()
    assert rows == [
        ("turn-1", "user", "I live in Porto.", 1767603600.5, "Ana", "concierge", {"channel": "web"}, ["memory-1"]),
        ("turn-2", "assistant", "Noted.", 1767603601.0, None, None, {}, []),
    ]
    assert database.execute("SELECT state FROM batches").fetchall() == [("applied",)]
    assert not hot_store.exists(pending)


def test_a_turn_of_a_newer_release_waits_for_its_workers(pipeline, database, hot_store):
    pending = _put(hot_store, TURN_1, TURN_OF_THE_FUTURE, SPARE_TURN_1)
    pipeline.sweep()
    while pipeline.hints.waiting:
        pipeline.step()
    rows = database.execute("SELECT turn_id FROM turns ORDER BY position").fetchall()
    assert rows == [("turn-1",), ("turn-2",)]
    assert [fields[b"d"] for _, fields in hot_store.xrange(pending)] == [TURN_OF_THE_FUTURE]


def test_an_entry_of_a_kind_that_only_a_newer_release_knows(pipeline, database, hot_store):
    """It waits, the turns around it go on, readers pass over it; it is exported and forgotten like the rest."""
    pending = _put(hot_store, TURN_1, NOTE_OF_THE_FUTURE, SPARE_TURN_1)
    memory = MemoryClient("ana", "chat", settings=pipeline.settings)
    assert [turn.turn_id for turn in memory.history()] == ["turn-1", "turn-2"]
    pipeline.settle()
    assert database.execute("SELECT turn_id FROM turns ORDER BY position").fetchall() == [("turn-1",), ("turn-2",)]
    assert [fields[b"d"] for _, fields in hot_store.xrange(pending)] == [NOTE_OF_THE_FUTURE]
    assert [turn.turn_id for turn in memory.history()] == ["turn-1", "turn-2"]

    held = [record.values["row"] for record in export.export_records(pipeline.runtime.user_stores, ANA)]
    assert json.loads(NOTE_OF_THE_FUTURE) in [row.get("entry") for row in held]
    assert erasures.forget(pipeline.runtime, ANA).removed["redis.pending"] == 1
    assert not hot_store.exists(pending)
    assert int(hot_store.get(keys.pending_bytes(keys.shard_of("default", "ana")))) == 0


def test_however_many_entries_of_a_newer_release_stand_before_a_turn_it_is_archived(pipeline, database, hot_store):
    pending = _put(hot_store, *[NOTE_OF_THE_FUTURE] * 1_200, TURN_1, NOTE_OF_THE_FUTURE, SPARE_TURN_1)
    pipeline.settle()
    assert database.execute("SELECT turn_id FROM turns ORDER BY position").fetchall() == [("turn-1",), ("turn-2",)]
    assert hot_store.xlen(pending) == 1_201


def test_what_only_newer_workers_read_is_not_handed_out_at_every_sweep(pipeline, database, hot_store):
    _put(hot_store, NOTE_OF_THE_FUTURE)
    assert pipeline.sweep()["archive"] == 1
    pipeline.step()
    assert pipeline.sweep()["archive"] == 0
    # Nor does it stand in the way of what comes: the claim lapses.
    memory = MemoryClient("ana", "chat", settings=pipeline.settings)
    memory.write("user", "I live in Porto.", turn_id="turn-9")
    time.sleep(pipeline.settings.lease_seconds + CLAIM_SPREAD_MILLISECONDS / 1000)
    pipeline.settle()
    assert database.execute("SELECT turn_id FROM turns").fetchall() == [("turn-9",)]


@pytest.mark.parametrize("version", ANSWERS, ids=lambda version: version[0])
def test_stored_answers_of_version_1(pipeline, database, hot_store, version):
    _put(hot_store, TURN_1, FLUSH_1)
    pipeline.sweep()
    pipeline.step()  # archived and cut; not extracted
    prompt_version, model = version
    batch = database.execute("SELECT batch_id FROM batches").fetchone()[0]
    database.execute(
        "INSERT INTO answers (tenant_id, user_id, batch_id, prompt_version, model, first_position, last_position, "
        "attempt, answer) VALUES ('default', 'ana', %s, %s, %s, 1, 1, 1, %s)",
        (batch, prompt_version, model, ANSWERS[version]),
    )
    database.execute(
        "UPDATE batches SET state = 'extracted', prompt_version = %s, model = %s, extracted_at = now(), "
        "hinted_at = NULL",
        version,
    )
    pipeline.hints.waiting.clear()
    pipeline.settle()
    rows = database.execute("SELECT text, subject, attribute, value, status FROM facts").fetchall()
    assert rows == [("Ana lives in Porto.", "Ana", "lives_in", "Porto", "current")]
    assert database.execute("SELECT quote FROM evidence").fetchall() == [("I live in Porto.",)]


def test_messages_of_version_1_and_of_a_newer_one(lane: Lane) -> None:
    """No clock runs: the messages alone carry the turn through all stages but the summary."""
    lane.begin()
    memory = MemoryClient("ana", "chat", settings=lane.settings)
    memory.write("user", "I live in Porto.", name="Ana")
    memory.flush()
    with (
        redis.Redis.from_url(lane.settings.celery_broker_url) as broker,
        WorkerProcess(lane.settings, lane.directory, "only") as worker,
        lane.database() as connection,
    ):
        worker.wait_until_ready()
        for stage in ("archive", "extract", "summarize"):
            broker.lpush(stage, _message(stage, '[2, "what", {"only": "a newer release understands"}]'))
        wait_until(lambda: _says(worker, 3, "left to newer workers"), seconds=60)
        broker.lpush("archive", _message("archive", '[1, [["default", "ana", "chat"]]]'))
        wait_until(lambda: bool(connection.execute("SELECT 1 FROM facts").fetchall()), seconds=60)
        broker.lpush("summarize", _message("summarize", '[1, "default", "ana", "chat"]'))
        wait_until(lambda: bool(connection.execute("SELECT 1 FROM summaries").fetchall()), seconds=60)
        assert worker.is_running


@contextmanager
def _newer_schema(lane: Lane):
    """The database as the newer release's migration leaves it."""
    with lane.database() as connection:
        connection.execute(ROLLBACK)
        connection.execute(MIGRATION)
        try:
            yield connection
        finally:
            connection.execute(ROLLBACK)


def _write_note(client: redis.Redis, number: int) -> None:
    """Write a note into Ana's session, as a client of the newer release does."""
    scope = SessionScope("default", "ana", "chat")
    shard = keys.shard_of("default", "ana")
    payload = json.dumps({"v": 1, "id": f"note-{number}", "kind": "note", "text": f"Note {number}."}).encode()
    touched = (keys.pending(scope), keys.due(shard), keys.pending_bytes(shard))
    scripts.WRITE.run(client, touched, keys.member(scope), 1_000_000, len(payload), f"note-{number}", payload)


def test_a_rolling_upgrade_to_a_release_with_one_more_kind(lane: Lane, tmp_path) -> None:
    """Clients first, which is the wrong way round: nothing is lost, doubled or kept waiting for a kind of theirs."""
    lane.begin()
    memory = MemoryClient("ana", "chat", settings=lane.settings)
    scope = SessionScope("default", "ana", "chat")
    flag = tmp_path / "struck"
    with (
        _newer_schema(lane) as connection,
        redis.Redis.from_url(lane.settings.redis_url) as client,
        lane.clock(),
        WorkerProcess(lane.settings, lane.directory, "older") as older,
    ):
        memory.write("user", "I live in Porto.", turn_id="turn-1")
        _write_note(client, 1)
        memory.write("user", "I own a cat.", turn_id="turn-2")
        wait_until(lambda: _ids(connection, "turn_id", "turns") == ["turn-1", "turn-2"], seconds=60)
        assert [turn.turn_id for turn in memory.history()] == ["turn-1", "turn-2"]
        assert client.xlen(keys.pending(scope)) == 1

        _strike_a_newer_worker(lane, flag)
        assert _ids(connection, "note_id", "notes") == ["note-1"]
        with WorkerProcess(lane.settings, lane.directory, "newer-2", app=NEWER_APP):
            wait_until(lambda: not client.exists(keys.pending(scope)), seconds=60)
            older.kill()
            _write_note(client, 2)
            memory.write("user", "I like tea.", turn_id="turn-3")
            wait_until(lambda: not client.exists(keys.pending(scope)), seconds=60)
        assert _ids(connection, "note_id", "notes") == ["note-1", "note-2"]
        assert _ids(connection, "turn_id", "turns") == ["turn-1", "turn-2", "turn-3"]
        assert int(client.get(keys.pending_bytes(keys.shard_of("default", "ana")))) == 0
        _forget_with_notes(lane, connection)


def _strike_a_newer_worker(lane: Lane, flag) -> None:
    """Kill the first worker of the newer release between its commit and Redis, beside one of the older."""
    fault = f"archive.after_commit kill {flag}"
    with WorkerProcess(lane.settings, lane.directory, "newer-1", app=NEWER_APP, fault=fault) as struck:
        wait_until(lambda: flag.exists() and not struck.is_running, seconds=60)


def _ids(connection, column: str, table: str) -> list[str]:
    return [name for (name,) in connection.execute(f"SELECT {column} FROM {table} ORDER BY 1").fetchall()]


def _forget_with_notes(lane: Lane, connection) -> None:
    """Export and forget, by this release: the newer one's table is found because its rows belong to a user."""
    runtime = Runtime(lane.settings, pool_size=2)
    try:
        kinds = [record.kind for record in export.export_records(runtime.user_stores, ANA)]
        assert kinds.count("notes") == 2
        assert erasures.forget(runtime, ANA).removed["notes"] == 2
        assert _ids(connection, "note_id", "notes") == []
    finally:
        runtime.close()


def _says(worker: WorkerProcess, times: int, text: str) -> bool:
    return worker.process.log_path.read_text().count(text) >= times
