"""Writing a turn: one round trip to Redis, with an id from before the first attempt."""

import json
from datetime import UTC, datetime

import pytest
import redis

from afterturn.errors import InvalidInput
from afterturn.hot import keys
from afterturn.scopes import SessionScope
from api_shim import MemoryClient

SESSION = SessionScope("default", "ana", "chat")


def test_a_turn_is_in_the_pending_stream_and_its_session_is_due(settings, hot_store):
    memory = MemoryClient("ana", "chat", "concierge", settings=settings)
    turn_id = memory.write("user", "I live in Porto.", name="Ana")

    [(_, fields)] = hot_store.xrange(keys.pending(SESSION))
    assert fields[b"i"].decode() == turn_id
    payload = json.loads(fields[b"d"])
    assert (payload["id"], payload["role"], payload["content"]) == (turn_id, "user", "I live in Porto.")
    assert (payload["name"], payload["agent"]) == ("Ana", "concierge")
    shard = keys.shard_of("default", "ana")
    assert hot_store.zrange(keys.due(shard), 0, -1) == [keys.member(SESSION).encode()]
    assert int(hot_store.get(keys.pending_bytes(shard))) == len(fields[b"d"])


def test_it_is_one_round_trip(settings, hot_store):
    memory = MemoryClient("ana", settings=settings)
    memory.write("user", "The first call teaches Redis the script.")
    before = hot_store.info("commandstats")
    memory.write("user", "The second is one command.")
    after = hot_store.info("commandstats")
    calls = {name: after[name]["calls"] - before.get(name, {"calls": 0})["calls"] for name in after}
    # What a script runs is counted as well; from outside came one EVALSHA, and our own INFO.
    inside = {"cmdstat_incrby": 1, "cmdstat_xadd": 1, "cmdstat_zadd": 1}
    assert {name: count for name, count in calls.items() if count} == {
        "cmdstat_evalsha": 1,
        "cmdstat_info": 1,
        **inside,
    }


def test_constructing_a_client_opens_nothing(settings, hot_store):
    before = hot_store.info("stats")["total_connections_received"]
    MemoryClient("ana", settings=settings)
    assert hot_store.info("stats")["total_connections_received"] == before


def test_a_single_string_is_a_whole_exchange(settings, hot_store):
    memory = MemoryClient("ana", settings=settings)
    memory.write("User: I moved to Porto.\nAssistant: How nice!")
    [turn] = memory.history()
    assert (turn.role, turn.content) == ("exchange", "User: I moved to Porto.\nAssistant: How nice!")


def test_the_same_id_is_the_same_turn(settings, hot_store):
    memory = MemoryClient("ana", settings=settings)
    for _ in range(3):
        memory.write("user", "Once.", turn_id="t-1")
    assert [turn.turn_id for turn in memory.history()] == ["t-1"]


def test_many_are_written_in_order_or_not_at_all(settings, hot_store):
    memory = MemoryClient("ana", settings=settings)
    ids = memory.write_many({"role": "user", "content": f"turn {number}"} for number in range(50))
    assert [turn.turn_id for turn in memory.history(50)] == ids
    with pytest.raises(InvalidInput, match="role"):
        memory.write_many([{"role": "user", "content": "good"}, {"role": "nobody", "content": "bad"}])
    with pytest.raises(InvalidInput, match="turn 0 of write_many"):
        memory.write_many([{"role": "user", "contents": "typo"}])
    assert len(memory.history(100)) == 50
    assert memory.write_many([]) == []


def test_whatever_people_type_comes_back(settings, hot_store):
    memory = MemoryClient("Ana María/\N{GRINNING FACE}:{1}", "süß %s", settings=settings)
    texts = ["\N{FAMILY}", "日本語", "a" * 100_000, "tab\tnewline\n", "{}[]:%", "'; DROP TABLE turns; --"]
    for text in texts:
        memory.write("user", text)
    assert [turn.content for turn in memory.history()] == texts


def test_nul_and_lone_surrogates_become_the_replacement_character(settings, hot_store):
    memory = MemoryClient("ana", settings=settings)
    memory.write("user", "a\x00b\ud800c", metadata={"k\x00": ["\udfff", {"n": 1}]})
    [turn] = memory.history()
    assert turn.content == "a\ufffdb\ufffdc"
    assert turn.metadata == {"k\ufffd": ["\ufffd", {"n": 1}]}


def test_the_time_is_kept_in_utc(settings, hot_store):
    memory = MemoryClient("ana", settings=settings)
    said_at = datetime.fromisoformat("2023-05-08T13:56:00+02:00")
    memory.write("user", "hello", occurred_at=said_at)
    [turn] = memory.history()
    assert turn.occurred_at == said_at
    assert turn.occurred_at.tzinfo is UTC


def test_a_server_that_forgot_the_script_is_taught_again(settings, hot_store: redis.Redis):
    memory = MemoryClient("ana", settings=settings)
    memory.write("user", "one")
    hot_store.script_flush()
    memory.write("user", "two")
    assert [turn.content for turn in memory.history()] == ["one", "two"]
