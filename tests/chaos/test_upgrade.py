"""A rolling upgrade: what the previous release has put into Redis, the broker and Postgres is still understood.

What stands here is written out, not made by this release's code, and must never be changed: a new version is added.
"""

from __future__ import annotations

import base64
import json
import uuid

import pytest
import redis

from afterturn.hot import keys
from afterturn.scopes import SessionScope
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
        wait_until(lambda: _says(worker, 3, "left to newer workers"), seconds=10)
        broker.lpush("archive", _message("archive", '[1, [["default", "ana", "chat"]]]'))
        wait_until(lambda: bool(connection.execute("SELECT 1 FROM facts").fetchall()), seconds=15)
        broker.lpush("summarize", _message("summarize", '[1, "default", "ana", "chat"]'))
        wait_until(lambda: bool(connection.execute("SELECT 1 FROM summaries").fetchall()), seconds=15)
        assert worker.is_running


def _says(worker: WorkerProcess, times: int, text: str) -> bool:
    return worker.process.log_path.read_text().count(text) >= times
