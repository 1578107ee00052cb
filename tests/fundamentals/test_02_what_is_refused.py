"""The client refuses invalid turns with a stable code, and stores nothing of them."""

from datetime import datetime

import pytest

from afterturn.errors import InvalidId, InvalidInput, MemoryUnavailable, PendingLimitReached, TurnTooLarge
from afterturn.hot import keys
from afterturn.scopes import SessionScope
from api_shim import MemoryClient


@pytest.mark.parametrize("bad", ["", "a\x00b", "line\nbreak", "x" * 201, "\ud800", None, 7])
def test_ids_are_checked_at_the_door(settings, bad):
    with pytest.raises(InvalidId, match="user_id"):
        MemoryClient(bad, settings=settings)
    with pytest.raises(InvalidId, match="session_id"):
        MemoryClient("ana", bad, settings=settings)
    if bad is not None:
        with pytest.raises(InvalidId, match="turn_id"):
            MemoryClient("ana", settings=settings).write("user", "hello", turn_id=bad)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"role": "nobody", "content": "x"}, "role"),
        ({"role": "user", "content": ""}, "empty"),
        ({"role": "user", "content": 7}, "string"),
        ({"role": "user", "content": "x", "occurred_at": datetime(2026, 1, 1)}, "timezone"),
        ({"role": "user", "content": "x", "metadata": {"a": {1, 2}}}, "JSON"),
        ({"role": "user", "content": "x", "metadata": {"a": float("nan")}}, "JSON"),
        ({"role": "user", "content": "x", "metadata": [1]}, "mapping"),
        ({"role": "user", "content": "x", "memories_shown": [""]}, "memories_shown"),
    ],
)
def test_a_turn_is_checked_at_the_door(settings, hot_store, arguments, message):
    memory = MemoryClient("ana", settings=settings)
    with pytest.raises(InvalidInput, match=message) as caught:
        memory.write(**arguments)
    assert caught.value.code in {"invalid_input", "invalid_id"}
    assert hot_store.dbsize() == 0


def test_a_turn_has_a_largest_size(settings, hot_store):
    memory = MemoryClient("ana", settings=settings)
    with pytest.raises(TurnTooLarge, match="AFTERTURN_TURN_LIMIT_BYTES"):
        memory.write("user", "x" * (settings.turn_limit_bytes + 1))
    with pytest.raises(TurnTooLarge):
        memory.write("user", "x", metadata={"blob": "y" * settings.turn_limit_bytes})
    assert hot_store.dbsize() == 0


def test_what_was_acknowledged_stays_when_the_pending_limit_is_reached(settings, hot_store):
    memory = MemoryClient("ana", settings=settings.model_copy(update={"pending_limit_bytes_per_shard": 2_000}))
    written = []
    with pytest.raises(PendingLimitReached) as caught:
        for number in range(100):
            written.append(memory.write("user", f"turn {number} " + "x" * 100))
    assert caught.value.code == "pending_limit_reached"
    assert 5 < len(written) < 20
    assert [turn.turn_id for turn in memory.history(100)] == written


def test_a_redis_that_is_away_is_a_clear_error(settings, caplog):
    away = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0", "redis_timeout_seconds": 0.2})
    with pytest.raises(MemoryUnavailable, match="AFTERTURN_REDIS_URL") as caught:
        MemoryClient("ana", settings=away).write("user", "hello")
    assert caught.value.code == "memory_unavailable"


def test_no_id_can_forge_another_users_key():
    ours = keys.pending(SessionScope("default", "ana", "chat"))
    tricks = ["ana:chat", "ana%3Achat", "{1}", "ana}:due", "ana chat"]
    forged = [keys.pending(SessionScope("default", trick, "chat")) for trick in tricks]
    assert len({ours, *forged}) == len(tricks) + 1
    for key, trick in zip(forged, tricks, strict=True):
        assert key.count(":") == ours.count(":")
        assert key.count("{") == key.count("}") == 1
        assert keys.session_of(key.split(":pending:")[1]) == SessionScope("default", trick, "chat")
