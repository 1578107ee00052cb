"""Turns as models see them: a secret that one turn shows to be one is replaced in all of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from afterturn.extraction import turn_secrets
from afterturn.turns import Turn


def said(content: str, role: str = "user") -> Turn:
    return Turn(turn_id=content[:20], role=role, content=content, occurred_at=datetime(2024, 5, 7, tzinfo=UTC))


def contents(*turns: Turn, before: tuple[Turn, ...] = ()) -> list[str]:
    return [turn.content for turn in turn_secrets.redact_turns(turns, before=before)]


def test_a_secret_is_one_in_every_turn() -> None:
    assert contents(said("My password is Tr0ub4dor&3"), said("Noted: Tr0ub4dor&3", "assistant")) == [
        "My password is [redacted]",
        "Noted: [redacted]",
    ]


def test_a_secret_of_the_turns_before_is_one() -> None:
    before = (said("My password is Tr0ub4dor&3"),)
    assert contents(said("Tr0ub4dor&3 did not work."), before=before) == ["[redacted] did not work."]


@pytest.mark.parametrize(
    ("question", "answer", "clean"),
    [
        ("What is your PIN?", "4711", "[redacted]"),
        ("And the password for the bank?", "It's Tr0ub4dor&3", "It's [redacted]"),
        ("Wie lautet das Passwort?", "Hase77", "[redacted]"),
        ("\u5bc6\u7801\u662f\u4ec0\u4e48\uff1f", "abc12345", "[redacted]"),
        ("What is your PIN?", "I do not remember it.", "I do not remember it."),
        ("When did you change your password?", "On 2024-05-03.", "On 2024-05-03."),
        ("Where do you live?", "At number 4711.", "At number 4711."),
    ],
)
def test_the_answer_to_a_question_for_a_secret_is_one(question: str, answer: str, clean: str) -> None:
    asked = said(question, "assistant")
    assert contents(asked, said(answer)) == [question, clean]
    assert contents(said(answer), before=(asked,)) == [clean]


def test_turns_without_secrets_are_the_same_objects() -> None:
    turns = [said("I live in Lisbon."), said("Nice.", "assistant")]
    assert all(one is two for one, two in zip(turns, turn_secrets.redact_turns(turns), strict=True))
