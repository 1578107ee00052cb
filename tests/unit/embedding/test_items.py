"""The texts that are embedded for turns."""

import pytest

from afterturn.embedding import items


@pytest.mark.parametrize(
    ("before", "text", "embedded"),
    [
        (None, "Ana: I live in Porto.", "Ana: I live in Porto."),
        ("Bot: Where?", "Ana: In Porto.", "Bot: Where?\nAna: In Porto."),
        ("Bot: What is your PIN?", "Ana: 4821", "Bot: What is your PIN?\nAna: [redacted]"),
    ],
)
def test_the_answer_to_a_question_for_a_secret_is_not_embedded(before, text, embedded):
    assert items.stored_text_after(before, text) == embedded
