"""Turns as messages: a tool call and its result are shown together or not at all."""

from dataclasses import replace

import pytest

from afterturn import tokens
from afterturn.context import messages
from afterturn.context.strategies import ImportantOnly, LastTokens, LastTurns, SummaryAndRecent
from afterturn.errors import InvalidInput
from tests.unit.context.material import turn


def call(call_id, name="look"):
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": "{}"}}


def calling(number, *ids, content=""):
    template = turn(number, "x", "assistant", metadata={"tool_calls": [call(call_id) for call_id in ids]})
    return replace(template, content=content)


def result(number, call_id):
    return turn(number, f"result {number}", "tool", metadata={"tool_call_id": call_id})


def passages_of(*turns):
    return [list(passage.messages) for passage in messages.build_passages(turns, tokens.estimate)]


def roles(*turns):
    return [[message["role"] for message in passage] for passage in passages_of(*turns)]


def test_a_call_and_its_results_are_one_passage():
    assert passages_of(turn(1), calling(2, "a", "b"), result(3, "b"), turn(4), result(5, "a")) == [
        [{"role": "user", "content": "turn 1"}],
        [
            {"role": "assistant", "content": None, "tool_calls": [call("a"), call("b")]},
            {"role": "tool", "content": "result 5", "tool_call_id": "a"},
            {"role": "tool", "content": "result 3", "tool_call_id": "b"},
        ],
        [{"role": "user", "content": "turn 4"}],
    ]


def test_a_result_without_its_call_is_not_shown():
    assert roles(result(1, "a"), turn(2)) == [["user"]]
    assert roles(calling(1, "a"), result(2, "a"), result(3, "a")) == [["assistant", "tool"]]


def test_a_call_without_its_result_is_not_shown():
    assert roles(calling(1, "a"), turn(2)) == [["user"]]
    assert passages_of(calling(1, "a", content="Let me look."), turn(2))[0] == [
        {"role": "assistant", "content": "Let me look."}
    ]
    [passage] = passages_of(calling(1, "a", "b"), result(2, "b"))
    assert [made["id"] for made in passage[0]["tool_calls"]] == ["b"]


def test_one_turn_can_hold_several_results_and_words_of_the_user():
    results = [{"tool_call_id": call_id, "content": f"result {call_id}"} for call_id in ("a", "b")]
    in_one = turn(3, "result a\nresult b", "tool", metadata={"tool_results": results})
    expected = [
        {"role": "assistant", "content": None, "tool_calls": [call("a"), call("b")]},
        {"role": "tool", "content": "result a", "tool_call_id": "a"},
        {"role": "tool", "content": "result b", "tool_call_id": "b"},
    ]
    assert passages_of(turn(1), calling(2, "a", "b"), in_one)[1:] == [expected]
    assert passages_of(in_one) == []
    beside = turn(3, "Thanks!", metadata={"tool_results": results})
    assert passages_of(calling(2, "a", "b"), beside) == [expected, [{"role": "user", "content": "Thanks!"}]]


def test_a_custom_call_is_shown_with_its_result():
    custom = {"id": "a", "type": "custom", "custom": {"name": "run", "input": "1 + 1"}}
    [passage] = passages_of(turn(1, "x", "assistant", metadata={"tool_calls": [custom]}), result(2, "a"))
    assert [message.get("tool_calls") for message in passage] == [[custom], None]


def test_a_call_id_can_be_reused():
    first, second = passages_of(calling(1, "call_0"), result(2, "call_0"), calling(3, "call_0"), result(4, "call_0"))
    assert first[1]["content"] == "result 2"
    assert second[1]["content"] == "result 4"


@pytest.mark.parametrize(
    "metadata",
    [
        {"tool_calls": 7},
        {"tool_calls": [7, {}, {"id": 7}, {"id": "a"}, {"id": "a", "function": {"name": "x", "arguments": {}}}]},
        {"tool_calls": {"id": "a"}},
        {"tool_call_id": ["a"]},
        {"pinned": True},
    ],
)
def test_metadata_of_another_form_is_ignored(metadata):
    assert passages_of(turn(1, "hello", "assistant", metadata=metadata), result(2, "a")) == [
        [{"role": "assistant", "content": "hello"}]
    ]


def test_each_role_becomes_a_message():
    every_role = ("user", "assistant", "system", "developer", "exchange", "tool", "function")
    assert roles(*(turn(1, role=role) for role in every_role)) == [
        ["user"],
        ["assistant"],
        ["system"],
        ["system"],
        ["user"],
        ["user"],
        ["user"],
    ]
    assert passages_of(turn(1, "Sunny.", "tool", name="weather")) == [
        [{"role": "user", "content": "[result of weather] Sunny."}]
    ]
    assert passages_of(turn(1, role="edit")) == []


@pytest.mark.parametrize(
    ("name", "shown"), [("Ana", "Ana"), ("Ana Maria <b>", "Ana_Maria_b"), ("\u00c9", None), ("x" * 100, "x" * 64)]
)
def test_names_get_the_form_that_the_api_allows(name, shown):
    [[message]] = passages_of(turn(1, name=name))
    assert message.get("name") == shown


TALK = [turn(1), calling(2, "a"), result(3, "a"), turn(4, role="system"), turn(5), turn(6, metadata={"pinned": True})]


def chosen(strategy, talk=TALK):
    passages = messages.build_passages(talk, lambda text: 6)
    return [turn.turn_id for passage in strategy.chosen(passages) for turn in passage.turns]


@pytest.mark.parametrize(
    ("strategy", "numbers"),
    [
        (LastTurns(0), []),
        (LastTurns(2), [5, 6]),
        (LastTurns(4), [4, 5, 6]),  # the fourth is a result, and its call the fifth
        (LastTurns(5), [2, 3, 4, 5, 6]),
        (LastTurns(99), [1, 2, 3, 4, 5, 6]),
        (SummaryAndRecent(2), [5, 6]),
        (LastTokens(0), []),
        (LastTokens(20), [5, 6]),
        (LastTokens(29), [5, 6]),
        (LastTokens(30), [4, 5, 6]),
        (ImportantOnly(), [2, 3, 4, 6]),
    ],
)
def test_the_turns_that_a_strategy_shows(strategy, numbers):
    assert chosen(strategy) == [f"t-{number}" for number in numbers]
    assert 1 <= strategy.turns_read <= 1_000
    assert chosen(strategy, []) == []


def test_only_summary_and_recent_shows_the_summary():
    shows = [strategy.shows_summary for strategy in (LastTurns(1), LastTokens(1), ImportantOnly(), SummaryAndRecent(1))]
    assert shows == [False, False, False, True]


@pytest.mark.parametrize("strategy", [LastTurns, LastTokens, SummaryAndRecent, ImportantOnly])
@pytest.mark.parametrize("bad", [-1, True, 1.5, "3", None])
def test_an_invalid_limit_of_a_strategy_is_refused(strategy, bad):
    with pytest.raises(InvalidInput):
        strategy(bad)


@pytest.mark.parametrize("strategy", [LastTurns, SummaryAndRecent, ImportantOnly])
def test_a_strategy_reads_at_most_a_thousand_turns(strategy):
    with pytest.raises(InvalidInput, match="1000"):
        strategy(1_001)
    assert LastTokens(10**6).turns_read == 1_000
