"""The reader of answers finds the object in whatever a model writes around it, for every prompt."""

import json

import pytest

from afterturn.consolidation import judgement
from afterturn.consolidation.judgement import Judgement
from afterturn.errors import AnswerMalformed
from afterturn.extraction import answer
from afterturn.extraction.answer import Answer
from afterturn.llm import answer_text
from afterturn.summaries.prompted import SummaryAnswer
from harness.growth import assert_time_is_proportional

FACT = {"text": "Ana likes </think> and {braces}.", "evidence": [{"turn": 1, "quote": 'a "quote" ] {'}]}
OTHER = {"text": "Ana sings.", "evidence": [{"turn": 2, "quote": "I sing"}]}
WHOLE = json.dumps({"facts": [FACT, OTHER], "episode": None})

WRAPPED = {
    "as it is": WHOLE,
    "lone end of thoughts": f'Is it [1] or {{2}}? {{"facts": []}}\n</think>\n\n{WHOLE}',
    "thoughts": f'<think>\n{{"facts": [{{"text": "a draft"}}]}}\n</think>{WHOLE}',
    "other thoughts": f"[THINK]hm {{}}[/THINK]{WHOLE}",
    "channels": f"<|channel|>analysis<|message|>hm {{x}}<|end|><|channel|>final<|message|>{WHOLE}",
    "thoughts without an end": f"<think> I will answer now. {WHOLE}",
    "prose": f"Sure, here you go [as asked]:\n\n{WHOLE}\n\nLet me know {{if}} you need more!",
    "fence": f"```json\n{WHOLE}\n```",
    "fence without a language": f"```\n{WHOLE}\n```",
    "fence in prose": f"Here:\n```JSON\n{WHOLE}\n```\nDone.",
    "fence that is not closed": f"```json\n{WHOLE}",
    "a draft in a fence before": f'```json\n{{"facts": []}}\n```\nBetter:\n```json\n{WHOLE}\n```',
    "several fences with a part each": f'```json\n{{"facts": {json.dumps([FACT, OTHER])}}}\n```\nand\n'
    '```json\n{"episode": null}\n```',
    "byte order mark": f"\ufeff{WHOLE}",
    "trailing commas": WHOLE.replace("}]}", "}],}").replace("}], ", "},], "),
    "comments": WHOLE.replace(' "episode"', ' // none\n "episode"'),
    "a stray character": WHOLE.replace(", ", ",\ufffd ", 1),
    "python": "{'facts': [{'text': 'Ana sings.', 'evidence': [{'turn': 2, 'quote': 'I sing'}]}], 'episode': None}",
    "enclosed": json.dumps({"answer": {"result": json.loads(WHOLE)}}),
    "a tool call as text": json.dumps({"name": "Answer", "arguments": WHOLE}),
    "a list in place of the object": json.dumps([FACT, OTHER]),
    "one item in place of the object": json.dumps(OTHER),
    "an object a line": f"{json.dumps({'facts': [FACT]})}\n{json.dumps({'facts': [OTHER]})}\n",
    "an item a line": f"{json.dumps(FACT)}\n{json.dumps(OTHER)}",
    "said twice": f"{WHOLE}\n\nAgain: {WHOLE}",
}


@pytest.mark.parametrize("how", WRAPPED)
def test_the_facts_are_found(how: str):
    found = [fact.text for fact in answer.parse(WRAPPED[how]).facts]
    assert found[-1] == "Ana sings."
    assert found[:-1] in ([], [FACT["text"]])
    assert len(found) == 2 or how in ("python", "one item in place of the object")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I found no facts.",
        "null",
        "7",
        '"facts"',
        "Sure [1]!",
        '{"message": "ok"}',
        '{"error": {"message": "overloaded"}}',
        "<html><body>{}</body></html>{}",
        WHOLE[: len(WHOLE) // 2],
        WHOLE[:-1],
        f"```json\n{WHOLE[:-20]}",
        json.dumps([FACT, OTHER])[:-30],
    ],
)
def test_what_is_no_answer_or_is_cut_off_is_malformed(text: str):
    with pytest.raises(AnswerMalformed) as raised:
        answer.parse(text)
    assert "Ana" not in str(raised.value)


@pytest.mark.parametrize("text", ["{}", "[]", '{"facts": []}', "```json\n[]\n```"])
def test_an_answer_may_be_empty(text: str):
    assert answer.parse(text).facts == ()


@pytest.mark.parametrize("frame", ["{}", "hm</think>\n{}", "```json\n{}\n```", "Here: {} That is all."])
def test_judgements_and_summaries_are_read_alike(frame: str):
    pair = {"first": "N1", "second": "K1", "verdict": "same"}
    for written in ({"pairs": [pair]}, [pair], pair, {"pairs": ["N1 same K1"]}, ["N1 same K1"]):
        text = frame.replace("{}", json.dumps(written))
        assert judgement.parse_judgement(text).pairs[0].relation == "same"
    statement = {"text": "Ana moved.", "entries": [1]}
    text = frame.replace("{}", json.dumps([statement]))
    assert answer_text.find_object(text, SummaryAnswer) == {"statements": [statement]}


@pytest.mark.parametrize(
    "text",
    ["[" * 100_000, "{" * 100_000, '{"a":' * 50_000, "[1," * 50_000, '"' * 100_000, "{[" * 50_000, "}" * 100_000],
)
def test_the_time_that_garbage_costs_grows_with_its_length(text: str):
    assert answer_text.find_object(text, Answer) is None
    assert_time_is_proportional(lambda part: answer_text.find_object(part, Answer), lambda size: text[:size], len(text))


def test_a_good_answer_is_stored_as_it_is_and_others_without_what_surrounds_them():
    found = answer_text.find_object(WHOLE, Answer)
    assert found is not None
    assert answer_text.tidied(WHOLE, found) == WHOLE
    assert json.loads(answer_text.tidied(WRAPPED["prose"], found)) == json.loads(WHOLE)


def test_an_empty_judgement_is_no_pairs():
    assert Judgement.model_validate(answer_text.find_object("[]", Judgement)).pairs == ()
