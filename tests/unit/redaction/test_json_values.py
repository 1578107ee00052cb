"""Metadata of a turn: a value is judged together with its name, and the names stay."""

from __future__ import annotations

from datetime import UTC, datetime

from afterturn import turn_redaction, turns
from afterturn.turns import Turn

NOW = datetime(2024, 5, 7, tzinfo=UTC)


def test_content_and_metadata_are_redacted_together() -> None:
    arguments = '{"user": "ana", "password": "winter"}'
    turn = Turn(
        turn_id="t-1",
        role="user",
        content="My password is Tr0ub4dor&3",
        occurred_at=NOW,
        metadata={
            "password": "swordfish",
            "note": "she said Tr0ub4dor&3",
            "tool_calls": [{"name": "login", "arguments": arguments}],
            "retries": 3,
        },
    )
    clean = turn_redaction.redact_turn(turn)
    assert clean.content == "My password is [redacted]"
    assert clean.metadata == {
        "password": "[redacted]",
        "note": "she said [redacted]",
        "tool_calls": [{"name": "login", "arguments": '{"user": "ana", "password": "[redacted]"}'}],
        "retries": 3,
    }
    assert turn_redaction.redact_turn(clean) == clean


def test_a_payload_without_secrets_is_the_same_turn() -> None:
    _, payload = turns.make_payload("user", "I live in Lisbon.", limit_bytes=10_000, metadata={"a": [1, {"b": "c"}]})
    assert turns.decode(turn_redaction.redact_payload(payload)[0]) == turns.decode(payload)


def test_a_redacted_payload_keeps_everything_else() -> None:
    turn_id, payload = turns.make_payload(
        "user", "my pin is 4711", limit_bytes=10_000, turn_id="t-1", name="Ana", occurred_at=NOW, memories_shown=["f-1"]
    )
    clean = turns.decode(turn_redaction.redact_payload(payload)[0])
    assert (clean.turn_id, clean.content) == (turn_id, "my pin is [redacted]")
    assert (clean.name, clean.occurred_at, clean.memories_shown, clean.has_given_id) == ("Ana", NOW, ("f-1",), True)
