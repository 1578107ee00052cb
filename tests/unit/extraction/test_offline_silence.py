"""Sentences from which the offline extractor must extract nothing."""

from __future__ import annotations

import pytest

from afterturn.extraction import answer
from afterturn.extraction.extractor import ExtractionRequest
from afterturn.extraction.offline import OfflineExtractor
from tests.unit.extraction.offline_batch import extract, texts, turn


@pytest.mark.parametrize(
    "said",
    [
        "Do I live in Rome?",
        "Where did I put my keys",
        "Could you tell me where my sister lives",
        "am I allergic to nuts",
        "If I lived in Rome I would eat pasta.",
        "I would buy a boat if I won the lottery.",
        "I wish I had a cat.",
        "Imagine I live on Mars.",
        "Suppose my name is Bob.",
        "Pretend that I'm a pirate.",
        "I would never live in Rome.",
        'She said "I live in Rome and I love pasta".',
        'My brother told me: "I hate dogs. I love cats."',
        "> I live in Rome",
        "```\nI live in Rome\n```",
        "Write a poem about my cat.",
        "Please translate my letter into French.",
        "Tell me about my options.",
        "I want a recipe for pancakes.",
        "Thanks, I appreciate it!",
        "Thank you for helping me with my garden.",
        "Hi! I hope you're well.",
        "I think that's great.",
        "I see what you mean.",
        "I agree.",
        "I don't know.",
        "I'm fine.",
        "I'm so happy for you!",
        "I'll keep that in mind.",
        "Sounds good to me.",
        "I had a great day.",
        "It was great to me.",
        "We all have unique paths.",
        "Lisbon is a city in Portugal.",
        "My API key is sk-abcdefghijklmnop1234.",
        "My key is ghp_abcdefghijklmnopqrstuvwxyz0123456789.",
        "My password is hunter2.",
        "I use hunter2 as my password.",
        "My card is 4111 1111 1111 1111.",
        "My social security number is 078-05-1120.",
        "\U0001f600\U0001f600\U0001f680",
        "...",
        "I",
        "   ",
    ],
)
def test_nothing_is_extracted(said: str) -> None:
    parsed = extract(turn(said))
    assert (parsed.facts, parsed.episode) == ((), None)


@pytest.mark.parametrize("role", ["assistant", "system", "tool"])
def test_only_people_state_facts(role: str) -> None:
    assert extract(turn("I live in Lisbon.", role=role)).facts == ()


def test_the_context_gives_the_name_of_the_user_but_no_facts() -> None:
    request = ExtractionRequest(
        turns=[turn("Yes, my boat is blue and old.")], context=[turn("My name is Bo. I own a car.")]
    )
    parsed = answer.parse(OfflineExtractor().extract(request).text)
    assert [fact.text for fact in parsed.facts] == ["Bo's boat is blue and old."]


def test_no_quote_contains_a_secret() -> None:
    parsed = extract(turn("My sister's password is hunter2. She lives in Berlin."))
    assert "hunter2" not in parsed.model_dump_json()


def test_a_correction_that_matches_no_statement_changes_nothing() -> None:
    assert texts("I own a boat.", "No, I meant Berlin, not Munich.") == ["Ana owns a boat."]
