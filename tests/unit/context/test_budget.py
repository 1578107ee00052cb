"""A context never exceeds its token budget; the least important parts are cut first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterturn import tokens
from afterturn.context import assembly, budget, counting, memory_block
from afterturn.context.budget import Shares
from afterturn.context.context import ContextRequest
from afterturn.context.memory_block import MemoryLine
from afterturn.context.strategies import LastTurns
from afterturn.errors import InvalidInput
from tests.unit.context.material import context_input, fact, turn


class PlaceProvider:
    name = "place"
    share = 0.1

    def lines(self):
        return []


COUNTERS = [
    tokens.estimate,
    len,
    lambda text: len(text.encode()),
    lambda text: len(text.split()),
    lambda text: 1,
    lambda text: 0,
    lambda text: len(text) ** 2,
    lambda text: len(text) if len(text) < 200 else 3 * len(text),
    lambda text: hash(text) % 50,
    lambda text: 10**9,
]
TEXTS = st.lists(st.text(max_size=80), max_size=8)
TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}


@st.composite
def conversations(draw):
    turns = []
    for number, content in enumerate(draw(TEXTS)):
        kind = draw(st.sampled_from(["user", "assistant", "system", "exchange", "call", "result"]))
        if kind == "call":
            turns.append(turn(number, content, "assistant", metadata={"tool_calls": [TOOL_CALL]}))
        elif kind == "result":
            turns.append(turn(number, content, "tool", metadata={"tool_call_id": "call_1"}))
        else:
            turns.append(turn(number, content, kind, name=draw(st.sampled_from([None, "Ana", "J\u00fcrgen B."]))))
    return turns


@given(
    token_budget=st.one_of(st.integers(1, 400), st.integers(1, 10_000)),
    count=st.sampled_from(COUNTERS),
    parts=st.fixed_dictionaries({"pinned": TEXTS, "profile": TEXTS, "summary": TEXTS}),
    recalled=TEXTS,
    outside=TEXTS,
    turns=conversations(),
)
def test_the_budget_is_never_exceeded(token_budget, count, parts, recalled, outside, turns):
    request = ContextRequest(token_budget=token_budget, count_tokens=count, providers=[PlaceProvider()])
    memories = [fact(text) for text in recalled]
    inputs = context_input(**parts, turns=turns, memories=memories, provider_lines=[outside])
    context = assembly.assemble(request, inputs)
    assert context.tokens == counting.count_messages(context.messages, count) <= token_budget
    assert all(part.left_out >= 0 for part in context.parts)
    assert set(context.labels.values()) <= set(context.memory_ids)
    assert not any(message["role"] == "system" for message in context.messages[1:]) or any(
        turn.role == "system" for turn in turns
    )


def assembled(token_budget, *, count=len, shares=None, history=None, **given):
    request = ContextRequest(
        token_budget=token_budget, count_tokens=count, shares=shares or Shares(), history=history or LastTurns(1_000)
    )
    context = assembly.assemble(request, context_input(**given))
    return context, {part.name: part for part in context.parts}


LARGE_BUDGET = 2_500
#: Tokens of the memory message without any line.
EMPTY_BLOCK_TOKENS = counting.count_message(
    {"content": memory_block.render([(part, [MemoryLine(text="", content="")]) for part in memory_block.HEADINGS])}, len
)


def texts(kind, number):
    return [f"{kind} number {index:03} is said here" for index in range(number)]


def test_each_part_gets_its_share():
    turns = [turn(number) for number in range(300)]
    memories = [fact(text) for text in texts("recalled", 300)]
    _, parts = assembled(LARGE_BUDGET, turns=turns, memories=memories)
    rest = LARGE_BUDGET - EMPTY_BLOCK_TOKENS
    # A line that finds no room leaves its tokens to the turns.
    assert parts["recent"].tokens == pytest.approx(0.35 * rest, abs=80)
    assert parts["relevant"].tokens == pytest.approx(0.65 * rest, abs=80)
    assert parts["relevant"].left_out and parts["recent"].left_out


def test_unused_tokens_go_to_other_parts():
    memories = [fact(text) for text in texts("recalled", 300)]
    few, with_few = assembled(LARGE_BUDGET, turns=[turn(1)], memories=memories)
    assert with_few["relevant"].tokens > 0.9 * (LARGE_BUDGET - EMPTY_BLOCK_TOKENS)
    assert few.tokens > 0.95 * LARGE_BUDGET
    many, with_many = assembled(LARGE_BUDGET, turns=[turn(number) for number in range(300)], memories=memories[:1])
    assert with_many["recent"].tokens > 0.9 * (LARGE_BUDGET - EMPTY_BLOCK_TOKENS)
    assert many.tokens > 0.95 * LARGE_BUDGET


def test_tokens_without_a_share_go_to_older_turns():
    turns = [turn(number) for number in range(300)]
    memories = [fact(text) for text in texts("recalled", 300)]
    shares = Shares(pinned=0, profile=0, summary=0, relevant=0.2, recent=0.5)
    _, parts = assembled(LARGE_BUDGET, shares=shares, turns=turns, memories=memories)
    assert parts["relevant"].tokens == pytest.approx(0.2 * (LARGE_BUDGET - EMPTY_BLOCK_TOKENS), abs=70)
    assert parts["recent"].tokens == pytest.approx(0.8 * (LARGE_BUDGET - EMPTY_BLOCK_TOKENS), abs=70)
    _, parts = assembled(
        LARGE_BUDGET,
        shares=Shares(pinned=0, profile=0, summary=0, relevant=0, recent=1),
        turns=turns,
        memories=memories,
    )
    assert (parts["relevant"].shown, parts["relevant"].left_out) == (0, 300)


def test_must_haves_take_from_the_relevant_part_but_not_from_each_other():
    given = {
        "pinned": texts("pinned", 100),
        "profile": texts("profile", 100),
        "turns": [turn(number) for number in range(300)],
        "memories": [fact(text) for text in texts("recalled", 100)],
    }
    _, parts = assembled(LARGE_BUDGET, **given)
    rest = LARGE_BUDGET - EMPTY_BLOCK_TOKENS
    assert parts["pinned"].tokens > 0.3 * rest
    assert parts["profile"].tokens >= 0.08 * rest
    assert parts["recent"].tokens >= 0.3 * rest
    assert parts["relevant"].shown <= 1


@pytest.mark.parametrize("token_budget", range(50, 1_600, 50))
def test_must_haves_are_cut_last(token_budget):
    given = {
        "pinned": ["Ana is allergic to peanuts."],
        "profile": ["Ana lives in Porto."],
        "turns": [turn(1, "Where do I live?")],
        "memories": [fact(text) for text in texts("recalled", 20)],
        "summary": texts("summary", 20),
    }
    _, parts = assembled(token_budget, **given)
    if parts["relevant"].shown or parts["summary"].shown:
        assert all(parts[name].left_out == 0 for name in ("pinned", "profile", "recent"))
    if token_budget >= 25:
        assert parts["recent"].shown == 1


def test_a_budget_too_small_for_any_line_gives_an_empty_context():
    context, parts = assembled(1, pinned=["Ana lives in Porto."], turns=[turn(1)])
    assert (context.messages, context.tokens, context.memory_ids, context.labels) == ([], 0, (), {})
    assert (parts["pinned"].left_out, parts["recent"].left_out) == (1, 1)


def test_without_memories_there_is_no_memory_message():
    context, _ = assembled(12, turns=[turn(1, "Hi")])
    assert context.messages == [{"role": "user", "content": "Hi"}]
    assert assembled(12)[0].messages == []


def test_the_last_turn_is_kept_before_any_memory():
    given = {"pinned": ["Ana lives in Porto."], "turns": [turn(1, "x" * 500)]}
    context, _ = assembled(600, **given)
    assert [message["role"] for message in context.messages] == ["user"]
    context, _ = assembled(1_100, **given)
    assert [message["role"] for message in context.messages] == ["system", "user"]


@pytest.mark.parametrize("bad", [0, -1, 10**9, True, 1.5, "100", None, float("nan")])
def test_an_invalid_budget_is_refused(bad):
    with pytest.raises(InvalidInput, match="token_budget"):
        budget.validate_token_budget(bad)


@pytest.mark.parametrize("bad", [-0.1, 1.1, True, "0.1", None, float("nan"), float("inf")])
def test_an_invalid_share_is_refused(bad):
    with pytest.raises(InvalidInput, match="pinned"):
        Shares(pinned=bad)


def test_the_sum_of_shares_is_at_most_1():
    with pytest.raises(InvalidInput, match="together"):
        Shares(recent=0.9)
    assert Shares(pinned=0.7, profile=0.2, summary=0.1, relevant=0.0, recent=0.0).pinned == 0.7


@pytest.mark.parametrize("bad", [-1, 1.5, True, None, "3"])
def test_an_invalid_token_counter_is_refused(bad):
    with pytest.raises(InvalidInput, match="count_tokens"):
        assembled(100, count=lambda text: bad, turns=[turn(1)])
    with pytest.raises(InvalidInput, match="count_tokens"):
        ContextRequest(token_budget=100, count_tokens=bad)
