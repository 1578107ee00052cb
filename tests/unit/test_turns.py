"""Turns on their way to Redis: ids that sort, and payloads that say what was said."""

import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from afterturn import ids, turns
from afterturn.errors import InvalidInput, TurnTooLarge

LIMIT = 10_000


def test_minted_ids_are_uuids_of_version_7_that_sort_by_time():
    before = time.time_ns() // 1_000_000
    minted = [ids.new_turn_id() for _ in range(1_000)]
    after = time.time_ns() // 1_000_000
    assert len(set(minted)) == len(minted)
    for turn_id in minted:
        parsed = uuid.UUID(turn_id)
        assert str(parsed) == turn_id
        assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
        assert before <= parsed.int >> 80 <= after
    assert [turn_id[:13] for turn_id in minted] == sorted(turn_id[:13] for turn_id in minted)


SAID = (
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": 'süß "quoted" \\ \N{GRINNING FACE}\n', "name": "Bot", "agent_id": "concierge"},
    {"role": "tool", "content": "", "metadata": {"call": {"id": 1, "arguments": [1.5, None, True]}}},
    {"role": "user", "content": "a\x00b\ud800", "metadata": {"k\x00": "\udfff"}, "memories_shown": ["m-1", "m-2"]},
    {"role": "user", "content": "then", "occurred_at": datetime(2023, 5, 8, 13, 56, 0, 123_456, UTC)},
    {"role": "user", "content": "there", "occurred_at": datetime.fromisoformat("2023-05-08T13:56:00+05:30")},
)


@pytest.mark.parametrize("said", SAID)
def test_the_payload_of_a_write_is_that_of_its_turn(said):
    given = {"turn_id": "t-1", "limit_bytes": LIMIT} | said
    turn_id, payload = turns.make_payload(**given)
    made = turns.make_turn(**given)
    decoded = turns.decode(payload)
    if "occurred_at" in said:
        assert payload == turns.encode(made, limit_bytes=LIMIT)
        assert decoded == made
    assert turn_id == decoded.turn_id == "t-1"
    assert abs(decoded.occurred_at - made.occurred_at) < timedelta(seconds=5)
    for name in ("role", "content", "name", "agent_id", "metadata", "memories_shown", "is_imported"):
        assert getattr(decoded, name) == getattr(made, name)


def test_an_id_is_minted_where_none_is_given():
    first, second = (turns.make_payload("user", "Hello", limit_bytes=LIMIT) for _ in range(2))
    assert first[0] != second[0]
    assert turns.decode(first[1]).turn_id == first[0]


def test_a_single_string_is_a_whole_exchange():
    _, payload = turns.make_payload("User: Hi\nBot: Hello", limit_bytes=LIMIT)
    turn = turns.decode(payload)
    assert (turn.role, turn.content) == ("exchange", "User: Hi\nBot: Hello")


REFUSED = (
    {"role": "nobody", "content": "x"},
    {"role": "user", "content": ""},
    {"role": "user", "content": 7},
    {"role": "user", "content": "x", "turn_id": "\n"},
    {"role": "user", "content": "x", "name": ""},
    {"role": "user", "content": "x", "occurred_at": datetime(2026, 1, 1)},
    {"role": "user", "content": "x", "occurred_at": "2026-01-01"},
    {"role": "user", "content": "x", "occurred_at": datetime(1, 1, 1, tzinfo=UTC)},
    {"role": "user", "content": "x", "metadata": {"a": float("nan")}},
    {"role": "user", "content": "x", "metadata": {"a": {1}}},
    {"role": "user", "content": "x", "metadata": [1]},
    {"role": "user", "content": "x", "memories_shown": [""]},
    {"role": "user", "content": "x" * (LIMIT + 1)},
    {"role": "user", "content": "ü" * (LIMIT - 100)},
    {"role": "user", "content": "x", "metadata": {"blob": "y" * LIMIT}},
)


@pytest.mark.parametrize("said", REFUSED)
def test_what_no_turn_can_be_is_refused_alike(said):
    with pytest.raises(InvalidInput) as of_write:
        turns.make_payload(limit_bytes=LIMIT, **said)
    with pytest.raises(InvalidInput) as of_turn:
        turns.encode(turns.make_turn(limit_bytes=LIMIT, **said), limit_bytes=LIMIT)
    assert type(of_write.value) is type(of_turn.value)
    same_size = isinstance(of_write.value, TurnTooLarge)
    assert same_size or str(of_write.value) == str(of_turn.value)
