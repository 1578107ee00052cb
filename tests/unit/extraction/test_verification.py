"""Which candidates of an answer are accepted, which are rejected, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from afterturn.candidate import EpisodeDraft
from afterturn.extraction import answer, candidates, verification
from afterturn.turns import Turn
from harness.llm_server import answers

SAID_AT = datetime(2023, 5, 8, 13, 56, tzinfo=UTC)


def said(content: str, *, role: str = "user", position: int = 1, **fields: Any) -> Turn:
    return Turn(turn_id=f"t{position}", role=role, content=content, occurred_at=SAID_AT, position=position, **fields)


def verified(turns: list[Turn], *facts: dict[str, Any], zone: Any = UTC, **arguments: Any):
    parsed = answer.parse(answers.as_json({"facts": list(facts), "episode": None}), zone)
    return verification.verify(parsed, turns, batch_id=UUID(int=1), prompt_version="extract-2", model="m", **arguments)


def reason(turns: list[Turn], fact: dict[str, Any], **arguments: Any) -> str | None:
    """Return why the one candidate is rejected; None if it is accepted."""
    accepted, rejected = verified(turns, fact, **arguments)
    assert len(accepted) + len(rejected) == 1
    return rejected[0].reason if rejected else None


@pytest.mark.parametrize(
    ("content", "quote", "expected"),
    [
        ("I moved  to\nLisbon.", "moved to Lisbon", None),
        ("I don\u2019t eat \u201cmeat\u201d", 'I don\'t eat "meat"', None),
        ("I moved to Lisbon.", "moved to Porto", "quote_not_found"),
        ("I moved to Lisbon.", "", "quote_not_found"),
        ("I start at nine.", "art", "quote_not_found"),
        ("I love art.", "art", None),
        ("I moved to Lisbon.", "I", "quote_too_short"),
        ("I moved to Lisbon.", ".", "quote_too_short"),
        ("5", "5", None),
        ("Yes", "Yes", None),
        ("My password is hunter2.", "My password is hunter2", "secret"),
        ("My password is hunter2.", "hunter2", "secret"),
        ("My password is hunter2, I live in Lisbon.", "I live in Lisbon", None),
        ("My password is hunter2.", "My password", None),
        ("我搬到里斯本", "里斯本", None),
    ],
)
def test_a_quote_is_found_and_says_something(content: str, quote: str, expected: str | None) -> None:
    assert reason([said(content)], answers.fact("Ana moved.", [(1, quote)])) == expected


@pytest.mark.parametrize(
    "content",
    [
        "Thank you so much!",
        "Thanks again, Melanie!",
        "Good night, sleep well!",
        "Is there anything else I can help you with?",
        "Vielen Dank!",
        "¡Muchas gracias!",
        "Muito obrigada!",
        "Спасибо!",
        "Teşekkürler!",
        "谢谢!",
        "ありがとうございます",
        "감사합니다",
        "شكرا",
        "धन्यवाद",
        "ขอบคุณค่ะ",
    ],
)
def test_thanks_greetings_and_offers_of_help_are_no_facts_whoever_says_them(content: str) -> None:
    candidate = answers.fact("Ana is grateful to Melanie.", [(1, content)])
    for role in ("user", "assistant"):
        assert reason([said(content, role=role, name="Melanie")], candidate) == "small_talk"
    with_more = [said(content), said("I moved to Lisbon.", position=2)]
    assert reason(with_more, answers.fact("Ana moved.", [(1, content), (2, "I moved to Lisbon.")])) is None


@pytest.mark.parametrize(
    ("content", "quote"),
    [
        ("Thanks, I passed the exam!", "Thanks, I passed the exam!"),
        ("Thank you for the bread recipe, I baked it.", "Thank you for the bread recipe"),
        ("Yes", "Yes"),
        ("Morning", "Morning"),
        ("Fine", "Fine"),
        ("Good morning Vietnam is my favourite film.", "Good morning Vietnam"),
    ],
)
def test_words_that_may_state_something_are_evidence(content: str, quote: str) -> None:
    assert reason([said(content)], answers.fact("Ana said so.", [(1, quote)])) is None


@pytest.mark.parametrize("number", [0, 2, -1])
def test_a_turn_is_one_of_the_batch(number: int) -> None:
    assert reason([said("I moved.")], answers.fact("Ana moved.", [(number, "I moved")])) == "unknown_turn"


def test_without_text_or_evidence_there_is_no_fact() -> None:
    assert reason([said("I moved.")], answers.fact(" \n", [(1, "I moved")])) == "empty_text"
    assert reason([said("I moved.")], answers.fact("Ana moved.", [])) == "no_evidence"


def test_one_quote_with_a_secret_does_not_cost_the_others() -> None:
    turns = [said("My password is hunter2, I use GitHub."), said("I use GitHub daily.", position=2)]
    [candidate], rejected = verified(
        turns, answers.fact("Ana uses GitHub.", [(1, turns[0].content), (2, "use GitHub")])
    )
    assert (candidate.evidence, rejected) == (((2, "use GitHub"),), [])


def test_a_secret_is_taken_out_of_the_fact() -> None:
    fact = answers.fact(
        "Ana's password is hunter2 and she uses GitHub.",
        [(1, "I use GitHub")],
        topics=["GitHub", "ghp_abcdefghijklmnopqrstuvwxyz0123456789"],
        subject="Ana",
        attribute="password",
        value="hunter2",
    )
    [candidate], [rejection] = verified([said("I use GitHub")], fact)
    assert "hunter2" not in candidate.content.model_dump_json()
    assert candidate.content.text == "Ana's password is [redacted] and she uses GitHub."
    assert (candidate.content.attribute, candidate.content.topics) == (None, ("GitHub",))
    assert rejection.reason == "secret_redacted"


def test_a_fact_of_which_nothing_is_left_is_rejected() -> None:
    fact = answers.fact("ghp_abcdefghijklmnopqrstuvwxyz0123456789.", [(1, "this is my key")])
    assert reason([said("this is my key")], fact) == "secret"


def test_a_secret_is_one_wherever_the_model_repeats_it() -> None:
    turns = [said("My password is hunter2-Zx9!"), said("I live in Lisbon.", position=2)]
    fact = answers.fact(
        "Ana logs in with hunter2-Zx9 daily.",
        [(2, "I live")],
        subject="Ana",
        attribute="logs_in_with",
        value="hunter2-Zx9",
    )
    [candidate], [rejection] = verified(turns, fact)
    assert candidate.content.text == "Ana logs in with [redacted] daily."
    assert (candidate.content.attribute, candidate.content.value) == (None, None)
    assert rejection.reason == "secret_redacted"


def test_a_plain_word_that_was_a_password_is_no_secret_elsewhere() -> None:
    turns = [said("My password is Lisbon"), said("I live in Lisbon.", position=2)]
    [candidate], [] = verified(turns, answers.fact("Ana lives in Lisbon.", [(2, "I live in Lisbon")]))
    assert candidate.content.text == "Ana lives in Lisbon."


def test_an_episode_tells_no_secret() -> None:
    episode = EpisodeDraft(title="Ana", summary="Ana's password is hunter2 now.", outcome="none", participants=("Ana",))
    assert candidates.redact_episode(episode).summary == "Ana's password is [redacted] now."


LISBON = ZoneInfo("Europe/Lisbon")


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "begins", "ends", "is_dropped"),
    [
        ("2023-05-07", None, datetime(2023, 5, 7, tzinfo=LISBON), None, False),
        ("2023-05-07T10:00:00", None, datetime(2023, 5, 7, 10, tzinfo=LISBON), None, False),
        ("2023-05-07T10:00:00Z", None, datetime(2023, 5, 7, 10, tzinfo=UTC), None, False),
        ("2020", "2021", datetime(2020, 1, 1, tzinfo=LISBON), datetime(2022, 1, 1, tzinfo=LISBON), False),
        ("2020-02", "2020-02", datetime(2020, 2, 1, tzinfo=LISBON), datetime(2020, 3, 1, tzinfo=LISBON), False),
        (None, "2024-02-28", None, datetime(2024, 2, 29, tzinfo=LISBON), False),
        (None, "2023-12", None, datetime(2024, 1, 1, tzinfo=LISBON), False),
        ("2023-05-07T10:00:00Z", "2023-05-07T10:00:00Z", datetime(2023, 5, 7, 10, tzinfo=UTC), None, False),
        ("2023-05-07", "2022-05-07", None, None, True),
        ("0999-01-01", None, None, None, True),
        (None, "9999-12-31", None, None, False),
        (None, "9998-12-31", None, None, True),
        ("2023-02-30", "soon", None, None, False),
    ],
)
def test_dates_are_read_in_the_users_timezone_and_can_be(
    valid_from: str | None, valid_to: str | None, begins: datetime | None, ends: datetime | None, is_dropped: bool
) -> None:
    fact = answers.fact("Ana moved.", [(1, "I moved")], valid_from=valid_from, valid_to=valid_to)
    [candidate], rejected = verified([said("I moved.")], fact, zone=LISBON)
    assert (candidate.content.valid_from, candidate.content.valid_to) == (begins, ends)
    assert [rejection.reason for rejection in rejected] == (["dates_dropped"] if is_dropped else [])


@pytest.mark.parametrize(
    ("content", "text", "expected"),
    [
        ("If I moved to Rome, I'd miss my sister.", "Ana moved to Rome.", "hypothetical"),
        ("If I moved to Rome, I'd miss my sister.", "Ana has a sister.", None),
        ("If I moved to Rome, I'd miss my sister.", "Ana would miss her sister in Rome.", None),
        ("Imagine I am a pirate.", "Ana is a pirate.", "hypothetical"),
        ("Suppose my name is Bob.", "The user's name is Bob.", "hypothetical"),
        ("What if I lived in Rome?", "Ana lives in Rome.", "hypothetical"),
        ("What if I lived in Rome? I live in Rome!", "Ana lives in Rome.", None),
        ("I wonder if I moved to Rome too early.", "Ana moved to Rome.", None),
        ("If I work late, I take the bus.", "Ana takes the bus.", None),
        ("If I had known! I moved to Rome in 2019.", "Ana moved to Rome in 2019.", None),
    ],
)
def test_what_is_only_imagined_is_no_fact(content: str, text: str, expected: str | None) -> None:
    assert reason([said(content)], answers.fact(text, [(1, content)], subject="Ana")) == expected


MEMORIES = {"f1": "Ana lives in Lisbon.", "f2": "Ana has two sisters."}


@pytest.mark.parametrize(
    ("text", "role", "shown", "expected"),
    [
        ("Ana lives in Lisbon.", "assistant", ("f1",), "repeats_memory"),
        ("The user Ana lives in Lisbon", "assistant", ("f2", "f1"), "repeats_memory"),
        ("Ana lives in Lisbon.", "assistant", ("f2",), None),
        ("Ana lives in Lisbon.", "assistant", (), None),
        ("Ana lives in Lisbon.", "assistant", ("of somebody else",), None),
        ("Ana lives in Lisbon.", "user", ("f1",), None),
        ("Ana no longer lives in Lisbon.", "assistant", ("f1",), None),
        ("Ana has 3 sisters.", "assistant", ("f2",), None),
        ("Ana lives in Porto.", "assistant", ("f1",), None),
    ],
)
def test_what_the_assistant_repeats_is_not_learnt_again(
    text: str, role: str, shown: tuple[str, ...], expected: str | None
) -> None:
    turns = [said("As you told me: this and that.", role=role, memories_shown=shown)]
    assert reason(turns, answers.fact(text, [(1, "As you told me")], subject="Ana"), shown=MEMORIES) == expected


def test_what_the_user_confirms_is_learnt_also_where_the_assistant_repeats_it() -> None:
    turns = [said("You live in Lisbon.", role="assistant", memories_shown=("f1",)), said("Right, I do.", position=2)]
    fact = answers.fact("Ana lives in Lisbon.", [(1, "You live in Lisbon"), (2, "Right, I do")])
    assert reason(turns, fact, shown=MEMORIES) is None


@pytest.mark.parametrize(
    ("roles", "said_by"),
    [
        (["user"], "user"),
        (["assistant"], "assistant"),
        (["assistant", "user"], "user"),
        (["exchange"], "user"),
        (["tool"], "other"),
        (["tool", "assistant"], "assistant"),
    ],
)
def test_who_said_it_follows_from_its_evidence(roles: list[str], said_by: str) -> None:
    turns = [said("Rome it is", role=role, position=place) for place, role in enumerate(roles, start=1)]
    [candidate], _ = verified(turns, answers.fact("Rome.", [(place, "Rome") for place in range(1, len(roles) + 1)]))
    assert candidate.said_by == said_by


def test_a_candidate_is_tidied() -> None:
    fact = answers.fact("Ana\n lives in  Rome.", [(1, "Rome")], category="Home Place", attribute="Lives In", value=" ")
    [candidate], _ = verified([said("Rome")], fact, categories=("place", "other"))
    tidy = candidate.content
    assert (tidy.text, tidy.category, tidy.attribute, tidy.value) == ("Ana lives in Rome.", "other", "lives_in", None)
    [candidate], _ = verified([said("Rome")], fact, categories=("home_place", "other"))
    assert candidate.content.category == "home_place"


@pytest.mark.parametrize(("characters", "expected"), [(8_000, None), (8_001, "text_too_long")])
def test_an_agreed_plan_may_be_one_statement_and_a_document_may_not(characters: int, expected: str | None) -> None:
    text = ("boat " * 2_000)[: characters - 1] + "."
    assert reason([said("I own a boat.")], answers.fact(text, [(1, "I own a boat.")])) == expected
