"""Only small talk is recognised as small talk; a message that may state something is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterturn.extraction import small_talk
from afterturn.turns import Turn
from tests.unit.extraction.offline_batch import turn

NOTHING = [
    ["Hi!"],
    ["hello there", "Thanks \U0001f600"],
    ["Good morning, Ana!"],
    ["Thank you so much!!!", "You're welcome! Let me know if you need anything else."],
    ["Hi", "Hello! How can I help you today?"],
    ["hahaha", "lol", "\U0001f602\U0001f602"],
    ["ok", "\U0001f44d"],
    ["Hi, how are you?", "I'm fine, thanks. And you?"],
    ["Grüß Gott", "Danke schön!"],
    ["¡Hola!", "Muchas gracias"],
    ["你好\uff01", "谢谢"],
    ["  ", "..."],
    ["User: Hi\nAssistant: Hello!"],
]
SOMETHING = [
    ["I live in Lisbon."],
    ["Hi, I'm Bo."],
    ["Hi Bo!"],
    ["Thanks, my sister liked it."],
    ["Hello", "I no longer smoke"],
    ["Do you live in Lisbon?", "Yes"],
    ["Do you live in Lisbon?", "ok"],
    ["Do you live in Lisbon?", "\U0001f44d"],
    ["When shall I call you?", "morning"],
    ["Shall I book it?", "Please!"],
    ["You live in Lisbon, right.", "no"],
    ["42"],
    ["ok $5"],
    ["thanks @bo"],
    ["Lisbon"],
    ["Hi " * 200],
]


@pytest.mark.parametrize("said", NOTHING)
def test_listed_phrases_are_small_talk(said: list[str]) -> None:
    assert small_talk.is_small_talk([turn(content) for content in said], names=["Ana Maria"])


@pytest.mark.parametrize("said", SOMETHING)
def test_a_message_that_may_state_something_is_not_small_talk(said: list[str]) -> None:
    assert not small_talk.is_small_talk([turn(content) for content in said], names=["Ana Maria"])


@pytest.mark.parametrize(
    ("before", "said", "is_small_talk"),
    [
        ("Do you live in Lisbon?", "Yes.", False),
        ("Do you live in Lisbon?", "Thanks!", True),
        ("So you live in Lisbon.", "Yes.", False),
        ("So you live in Lisbon.", "Okay, thanks!", True),
        ("How are you?", "Fine, thanks!", True),
        ("Hello!", "Yes.", True),
    ],
)
def test_the_context_decides_whether_an_answer_is_small_talk(before: str, said: str, is_small_talk: bool) -> None:
    context = [turn(before, role="assistant")]
    assert small_talk.is_small_talk([turn(said)], context) is is_small_talk


def test_turns_of_the_assistant_are_checked_too() -> None:
    promise = turn("I'll send you the report on Friday.", role="assistant")
    assert not small_talk.is_small_talk([turn("Thanks!"), promise, turn("Great")])


def test_a_removed_turn_counts_as_small_talk() -> None:
    removed = Turn(turn_id="t", role="user", content="", occurred_at=turn("x").occurred_at, is_removed=True)
    assert small_talk.is_small_talk([removed, turn("Thanks!")])


_CHATTER = st.sampled_from(["Hi!", "Thanks!", "ok", "Haha", "\U0001f600", "yes", "Good night", "Hello Ana"])
_STATEMENTS = st.sampled_from(
    [
        "I live in Lisbon",
        "my dog died",
        "Tomorrow then",
        "no meat",
        "I quit",
        "call me Bo",
        "7",
        "Rex",
        "ich wohne hier",
    ]
)


@given(st.lists(_CHATTER, max_size=5), _STATEMENTS, st.lists(_CHATTER, max_size=5), st.sampled_from(["\n", ". ", " "]))
def test_a_batch_with_a_statement_is_never_small_talk(
    before: list[str], stated: str, after: list[str], joint: str
) -> None:
    contents = [*before, stated, *after]
    assert not small_talk.is_small_talk([turn(content) for content in contents], names=["Ana"])
    assert not small_talk.is_small_talk([turn(joint.join(contents))], names=["Ana"])


@given(st.text(max_size=80))
def test_an_unlisted_word_is_never_small_talk(content: str) -> None:
    assert not small_talk.is_small_talk([turn(f"zylinder {content}")])
