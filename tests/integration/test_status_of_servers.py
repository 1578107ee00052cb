"""`afterturn status` of what Redis and the broker hold, and where a server is away."""

import time
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import pytest

from afterturn.endpoints.breaker import Breaker
from afterturn.hot import keys, pending
from afterturn.scopes import SessionScope
from api_shim import MemoryClient

pytestmark = pytest.mark.usefixtures("running_workers")


@pytest.fixture
def status(command):
    """Ask for the status in JSON; returns it, after a check of the exit code."""
    return partial(command.json, "status")


def test_what_waits_in_redis(status, settings, hot_store):
    for session_id in ("a", "b"):
        MemoryClient("ana", session_id, settings=settings).write("user", "x" * 1000)
    MemoryClient("ben", settings=settings).write("user", "x")
    hot_store.zadd(keys.due(keys.shard_of("default", "ben")), {"default:ben:default": (time.time() - 50) * 1000})
    shown = status()["pending"]
    assert shown["sessions"] == 3
    assert 50 <= shown["oldest_seconds"] < 110
    assert 2000 < shown["largest_shard_bytes"] < shown["bytes"] < 3000
    assert (shown["limit_bytes_per_shard"], shown["is_alarming"]) == (settings.pending_limit_bytes_per_shard, False)
    hers = status("--user", "ana")["pending"]
    assert (hers["sessions"], hers["oldest_seconds"] < 50) == (2, True)
    assert status("--tenant", "other")["pending"]["sessions"] == 0


def test_the_alarm_is_the_clients(status, command, settings, hot_store):
    shard = keys.pending_bytes(3)
    hot_store.set(shard, int(settings.pending_limit_bytes_per_shard * pending.WARNING_FRACTION) + 1)
    assert status()["pending"]["is_alarming"] is True
    assert "ALARM" in command("status").out


def test_the_oldest_age_is_that_of_what_is_left(status, settings, pipeline, hot_store):
    memory = MemoryClient("ana", settings=settings)
    memory.write("user", "one")
    session = SessionScope("default", "ana", "default")
    taken = pending.read_entries(hot_store, [session], limit=1)
    time.sleep(1.1)
    memory.write("user", "two")
    with_both = status()["pending"]["oldest_seconds"]
    assert with_both > 1.1
    began = time.monotonic()
    pending.remove_entries(hot_store, taken, keep_recent=0, recent_seconds=1, recent_limit_bytes=262_144)
    left = status()["pending"]["oldest_seconds"]
    assert left < with_both - 1.0 + time.monotonic() - began


def test_messages_at_the_broker(status, settings, pipeline, hot_store):
    hot_store.rpush("extract", "a", "b")
    hot_store.rpush("extract\x06\x163", "c")
    assert {stage: depth for stage, depth in status()["queues"].items() if depth} == {"extract": 3}


def test_a_broker_that_is_no_redis_is_not_asked(status, command, settings, monkeypatch):
    monkeypatch.setenv("AFTERTURN_BROKER_URL", "amqp://127.0.0.1:1/")
    assert status()["queues"] is None
    assert "unknown" in command("status").out


def test_breakers_are_shown_as_they_are(status, command, settings, hot_store):
    llm = Breaker(hot_store, "llm", probe_seconds=10)
    for _ in range(3):
        llm.record_failure(20.0)
    shown = status()["breakers"]
    assert (shown["llm"]["state"], shown["llm"]["failures"], shown["embedder"]["state"]) == ("open", 3, "closed")
    assert 0 < shown["llm"]["wait_seconds"] <= 20 and shown["llm"]["open_until"]
    assert "open" in command("status").out
    hot_store.hset(keys.breaker("llm"), "open_until", int((time.time() - 1) * 1000))
    assert status()["breakers"]["llm"]["state"] == "probing"
    llm.record_success()
    assert status()["breakers"]["llm"]["state"] == "closed"


@pytest.mark.parametrize(
    ("setting", "url", "server", "known", "unknown"),
    [
        ("POSTGRES", "postgresql://nobody@127.0.0.1:1/none", "postgres", "pending", "uncut"),
        ("REDIS", "redis://127.0.0.1:1/0", "redis", "uncut", "pending"),
        ("BROKER", "redis://127.0.0.1:1/0", "broker", "pending", "queues"),
    ],
)
def test_a_server_that_is_away_is_exit_code_2_and_named(
    status, command, monkeypatch, setting, url, server, known, unknown
):
    keys_when_all_is_well = status().keys()
    monkeypatch.setenv(f"AFTERTURN_{setting}_URL", url)
    shown = status(code=2)
    assert shown.keys() == keys_when_all_is_well
    assert f"AFTERTURN_{setting}_URL" in shown["away"][server]
    assert (shown[known] is not None, shown[unknown]) == (True, None)
    assert f"{server} is away" in command("status").out


def test_a_database_of_another_schema_is_named(status, database, settings, monkeypatch):
    database.execute("CREATE DATABASE elsewhere")
    try:
        url = settings.postgres_url.get_secret_value()
        monkeypatch.setenv("AFTERTURN_POSTGRES_URL", _other_database(url))
        assert "afterturn migrate" in status(code=2)["away"]["postgres"]
    finally:
        database.execute("DROP DATABASE elsewhere WITH (FORCE)")


def _other_database(url):
    return urlunsplit(urlsplit(url)._replace(path="/elsewhere"))
