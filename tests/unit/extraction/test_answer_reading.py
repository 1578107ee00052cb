"""What can be read of an answer is read; the rest is counted with its reason."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

import pytest

from afterturn.errors import AnswerMalformed
from afterturn.extraction import answer, verification
from afterturn.extraction.stored_answers import StoredAnswer
from afterturn.turns import Turn

GOOD = {"text": "Ana owns a boat.", "evidence": [{"turn": 2, "quote": "I own a boat."}]}
SAID = ("Hello there.", "I own a boat.", "My number is 42, since 2023.")


def turns(*texts):
    said_at = datetime(2026, 1, 5, tzinfo=UTC)
    return [
        Turn(turn_id=f"t{position}", role="user", content=text, occurred_at=said_at, position=position)
        for position, text in enumerate(texts, start=1)
    ]


def verified(data, *texts):
    """Return the texts of the facts that come of an answer, and why others did not."""
    parsed = answer.parse(data if isinstance(data, str) else json.dumps(data))
    facts, rejections = verification.verify(
        parsed, turns(*(texts or SAID)), batch_id=UUID(int=1), prompt_version="p", model="m"
    )
    assert len({rejection.index for rejection in rejections}) == len(rejections)
    return [fact.content.text for fact in facts], Counter(rejection.reason for rejection in rejections)


#: A candidate that cannot be used -> the reason.
BAD = {
    "a null text": ({**GOOD, "text": None}, "text_unreadable"),
    "no text": ({"evidence": GOOD["evidence"]}, "text_unreadable"),
    "a list as text": ({**GOOD, "text": ["Ana", "owns"]}, "text_unreadable"),
    "an empty text": ({**GOOD, "text": "  "}, "empty_text"),
    "a text without end": ({**GOOD, "text": "boat " * 5_000}, "text_too_long"),
    "no evidence": ({"text": "Ana owns a boat."}, "no_evidence"),
    "null evidence": ({**GOOD, "evidence": None}, "no_evidence"),
    "empty evidence": ({**GOOD, "evidence": []}, "no_evidence"),
    "a number as evidence": ({**GOOD, "evidence": 2}, "no_evidence"),
    "evidence without a quote": ({**GOOD, "evidence": [{"turn": 2}]}, "no_evidence"),
    "evidence with a null quote": ({**GOOD, "evidence": [{"turn": 2, "quote": None}]}, "no_evidence"),
    "a turn of 400 digits": ({**GOOD, "evidence": [{"turn": int("9" * 400), "quote": "I fly."}]}, "unknown_turn"),
    "a turn that is infinite": ({**GOOD, "evidence": [{"turn": 1e308 * 10, "quote": "I fly."}]}, "unknown_turn"),
    "a candidate that is a text": ("Ana owns a boat.", "candidate_unreadable"),
    "a candidate that is null": (None, "candidate_unreadable"),
    "a candidate that is a list": ([GOOD], "candidate_unreadable"),
    "a candidate that is a number": (7, "candidate_unreadable"),
}


@pytest.mark.parametrize("what", BAD)
def test_one_candidate_that_cannot_be_read_does_not_cost_the_others(what):
    bad, reason = BAD[what]
    for facts in ([bad, GOOD], [GOOD, bad]):
        assert verified({"facts": facts, "episode": None}) == (["Ana owns a boat."], Counter([reason]))


#: A candidate in another form than the one asked for, which is as good.
READ = {
    "a turn in brackets": {**GOOD, "evidence": [{"turn": "[2]", "quote": "I own a boat."}]},
    "a turn as a text": {**GOOD, "evidence": [{"turn": "2", "quote": "I own a boat."}]},
    "a turn in words": {**GOOD, "evidence": [{"turn": "Turn 2", "quote": "I own a boat."}]},
    "a turn as a fraction": {**GOOD, "evidence": [{"turn": 2.0, "quote": "I own a boat."}]},
    "a turn in a list": {**GOOD, "evidence": [{"turn": [2], "quote": "I own a boat."}]},
    "no turn": {**GOOD, "evidence": [{"quote": "I own a boat."}]},
    "a turn that says nothing": {**GOOD, "evidence": [{"turn": "user", "quote": "I own a boat."}]},
    "one quote without a list": {**GOOD, "evidence": {"turn": 2, "quote": "I own a boat."}},
    "a quote as a text": {**GOOD, "evidence": "I own a boat."},
    "quotes as texts": {**GOOD, "evidence": ["I own a boat."]},
    "turn and quote beside the text": {"text": GOOD["text"], "turn": 2, "quote": "I own a boat."},
    "one unreadable quote among others": {**GOOD, "evidence": [None, {"turn": 2}, *GOOD["evidence"]]},
    "more keys than asked for": {**GOOD, "why": {"because": [1]}, "id": 7},
    "null in every other field": {
        **GOOD,
        **dict.fromkeys(
            ("category", "topics", "subject", "attribute", "value", "importance", "valid_from", "corrects")
        ),
    },
    "numbers as texts": {**GOOD, "value": 42, "importance": "0.9", "topics": [7, None, "boats"]},
    "texts as lists": {**GOOD, "topics": "boats", "importance": [1]},
    "an importance of 400 digits": {**GOOD, "importance": int("9" * 400)},
    "a year as a number": {**GOOD, "valid_from": 2023, "valid_to": {"year": 2024}},
}


@pytest.mark.parametrize("what", READ)
def test_a_candidate_in_another_form_is_read(what):
    assert verified({"facts": [READ[what]], "episode": None}) == (["Ana owns a boat."], Counter())


@pytest.mark.parametrize("name", ["subject", "attribute", "value"])
def test_a_property_that_cannot_be_read_or_is_too_long_is_left_out_and_counted(name):
    assert verified({"facts": [{**GOOD, name: {"a": 1}}]}) == (["Ana owns a boat."], Counter([f"{name}_unreadable"]))
    long = {**GOOD, "subject": "Ana", "attribute": "owns", "value": "boat", name: "word " * 2_000}
    assert verified({"facts": [long]}) == (["Ana owns a boat."], Counter(["property_dropped"]))


@pytest.mark.parametrize(
    "data",
    [
        [GOOD],
        GOOD,
        {"facts": GOOD},
        {"facts": {"1": GOOD}},
        {"result": {"facts": [GOOD]}},
        {"facts": [GOOD], "episode": {"title": "T", "summary": "S", "outcome": "ongoing"}},
        {"facts": [GOOD], "episode": 7},
        {"facts": [GOOD], "more": [1, 2]},
    ],
)
def test_the_form_around_the_facts_may_differ(data):
    assert verified(data)[0] == ["Ana owns a boat."]


@pytest.mark.parametrize(
    "data", [{"facts": None}, {"facts": []}, {}, {"facts": None, "episode": None}, {"episode": None}]
)
def test_an_answer_without_facts_is_an_answer(data):
    assert verified(data) == ([], Counter())
    assert (
        StoredAnswer(
            prompt_version="p", first_position=1, last_position=3, attempt=1, text=json.dumps(data)
        ).find_problem()
        is None
    )


@pytest.mark.parametrize(
    "text",
    ["", "null", "7", '"facts"', '{"facts": "none"}', '{"facts": 7, "episode": [1]}', '{"answer": 1}', "[" * 100_000],
)
def test_an_answer_in_which_nothing_can_be_read_is_malformed(text):
    with pytest.raises(AnswerMalformed) as caught:
        answer.parse(text)
    assert not text or text not in str(caught.value)


def test_an_answer_whose_only_candidate_cannot_be_read_is_asked_for_again_and_then_counted():
    stored = StoredAnswer(
        prompt_version="p", first_position=1, last_position=3, attempt=1, text='{"facts": [{"text": null}]}'
    )
    assert stored.find_problem() == "nothing in it can be read: text_unreadable"
    assert stored.answer.malformed == ("text_unreadable",)


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        ("ongoing", "open"),
        ("In Progress", "open"),
        ("completed", "resolved"),
        ("resolved", "resolved"),
        ("cancelled", "abandoned"),
        ("mixed feelings", "none"),
        (None, "none"),
        (["open"], "none"),
        (3, "none"),
    ],
)
def test_an_outcome_in_other_words_is_read(given, outcome):
    episode = answer.parse(json.dumps({"episode": {"title": "T", "summary": "S", "outcome": given}})).episode
    assert (episode.title, episode.summary, episode.outcome) == ("T", "S", outcome)


@pytest.mark.parametrize(
    ("given", "title", "summary"),
    [
        ("They talked.", "They talked.", "They talked."),
        ({"summary": "They talked."}, "They talked.", "They talked."),
        ({"title": "Talk", "summary": None}, "Talk", "Talk"),
        ([{"title": "Talk", "summary": "They talked."}], "Talk", "They talked."),
        ({"title": "Talk", "summary": "They talked.", "participants": [None, "Ana", 7]}, "Talk", "They talked."),
    ],
)
def test_an_episode_in_another_form_is_read(given, title, summary):
    episode = answer.parse(json.dumps({"facts": [], "episode": given})).episode
    assert (episode.title, episode.summary) == (title, summary)


def test_an_episode_that_cannot_be_read_is_counted_and_the_facts_are_used():
    for episode in ({"title": None}, {"outcome": "open"}, 7, True, {"summary": ["a"]}):
        assert verified({"facts": [GOOD], "episode": episode}) == (
            ["Ana owns a boat."],
            Counter(["episode_unreadable"]),
        )


def test_lone_surrogates_and_nul_are_replaced_and_do_not_cost_the_answer():
    text = (
        '{"facts": [{"text": "Ana owns \\ud800 a boat\\u0000.", "evidence": [{"turn": 2, "quote": "I own a boat."}]}]}'
    )
    assert verified(text) == (["Ana owns \ufffd a boat\ufffd."], Counter())
