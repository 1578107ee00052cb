"""Secrets are redacted, and other texts do not change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterturn.redaction import credentials
from harness.growth import assert_time_is_proportional


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("My password is hunter2.", "My password is [redacted]"),
        ("my password is swordfish", "my password is [redacted]"),
        ("password: hunter2", "password: [redacted]"),
        ("I changed my password to Tr0ub4dor", "I changed my password to [redacted]"),
        ("I use hunter2 as my password", "I use [redacted] as my password"),
        ("Mein Passwort ist geheim123", "Mein Passwort ist [redacted]"),
        ("API_KEY=abc123xyz", "API_KEY=[redacted]"),
        ("The key sk-abcdefghijklmnop1234 works", "The key [redacted] works"),
        ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "[redacted]"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_def", "token [redacted]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- ok", "[redacted] ok"),
        ("postgres://ana:geheim@db/x", "postgres://[redacted]@db/x"),
        ("My card is 4111 1111 1111 1111, ok", "My card is [redacted], ok"),
        ("It is 378282246310005", "It is [redacted]"),
        ("IBAN DE89 3704 0044 0532 0130 00 IS MINE", "IBAN [redacted] IS MINE"),
        ("Your verification code is 482 913", "Your verification code is [redacted]"),
        ("482913 is your verification code", "[redacted] is your verification code"),
        ("my pin is 1234", "my pin is [redacted]"),
        ("My number is 078-05-1120", "My number is [redacted]"),
    ],
)
def test_only_the_secret_in_a_text_is_replaced(text: str, redacted: str) -> None:
    assert credentials.redact(text) == redacted
    assert credentials.contains_secret(text) == (redacted != text)


@pytest.mark.parametrize(
    "text",
    [
        "My password is very weak.",
        "I lost my password yesterday.",
        "I should use a password manager.",
        "The order number is 1234567890123456.",
        "Call me at +351 912 345 678.",
        "We met on 2023-05-08 at 13:56.",
        "I ask for this PIN to remind me of it",
        "https://drive.example/folders/17oqHERqClQxmu1dW6DQh6INU6ldQvRvE",
        "The door code is broken.",
        "I earn 1,200,000 a year, and 15700 a month.",
    ],
)
def test_a_text_without_a_secret_does_not_change(text: str) -> None:
    assert credentials.redact(text) == text
    assert not credentials.contains_secret(text)


def test_a_sentence_may_mention_a_secret_without_containing_one() -> None:
    assert credentials.mentions_secret("I lost my password yesterday.")
    assert not credentials.mentions_secret("I lost my bicycle yesterday.")


@given(st.text(max_size=300))
def test_exactly_the_texts_with_a_secret_change(text: str) -> None:
    once = credentials.redact(text)
    assert credentials.contains_secret(text) == (once != text)


@pytest.mark.parametrize("text", ["My password is hunter2.", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"])
def test_a_redacted_text_contains_no_secret(text: str) -> None:
    assert not credentials.contains_secret(credentials.redact(text))


_PIECES = ["a", "1", "1 ", "eyJ", "eyJaaaaaaaaaa-", "sk-", "use 1", "password ", "password is ", "A1", "my code "]


@pytest.mark.parametrize("piece", [*_PIECES, "-----BEGIN ", "DE89 ", "://a:", " is my otp "])
def test_the_time_of_redaction_grows_with_the_text_for_any_text(piece: str) -> None:
    def make(size: int) -> str:
        return (piece * (size // len(piece) + 1))[:size]

    assert_time_is_proportional(credentials.redact, make, 64 * 1024)
