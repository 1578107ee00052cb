"""Cutting is a pure plan over turns and their tokens."""

from hypothesis import given
from hypothesis import strategies as st

from afterturn.batches.cut import SINGLY, Limits, UncutTurn, batch_id, plan_cuts
from afterturn.scopes import SessionScope

tokens_of_turns = st.lists(st.integers(min_value=1, max_value=500), max_size=60)
limits = st.builds(Limits, turns=st.integers(1, 20), tokens=st.integers(1, 400))


def turns(tokens):
    return [UncutTurn(position, count) for position, count in enumerate(tokens, 7)]


def with_words(drawn):
    """Return turns of which some ask, and some announce another subject."""
    return [
        UncutTurn(place, count, is_question=asks, content="By the way, it rains." if changes else "It rains.")
        for place, (count, asks, changes) in enumerate(drawn, 7)
    ]


turns_with_words = st.lists(st.tuples(st.integers(1, 500), st.booleans(), st.booleans()), max_size=60).map(with_words)


@given(tokens_of_turns, limits)
def test_every_turn_is_in_exactly_one_cut_and_the_order_stays(tokens, limits):
    cuts = plan_cuts(turns(tokens), limits)
    covered = [position for cut in cuts for position in range(cut.first_position, cut.last_position + 1)]
    assert covered == [turn.position for turn in turns(tokens)]
    assert sum(cut.tokens for cut in cuts) == sum(tokens)


@given(tokens_of_turns, limits)
def test_no_cut_is_over_a_limit_unless_one_turn_alone_is(tokens, limits):
    for cut in plan_cuts(turns(tokens), limits):
        size = cut.last_position - cut.first_position + 1
        assert size <= limits.turns
        assert cut.tokens <= limits.tokens or size == 1


@given(tokens_of_turns, limits, st.integers(0, 60))
def test_full_cuts_do_not_depend_on_when_the_rest_arrives(tokens, limits, seen):
    """Archiving in two steps cuts the same full batches as archiving at once."""
    everything = turns(tokens)
    first = [cut for cut in plan_cuts(everything[:seen], limits) if cut.is_full]
    through = first[-1].last_position if first else 0
    second = plan_cuts([turn for turn in everything if turn.position > through], limits)
    assert first + second == plan_cuts(everything, limits)


@given(turns_with_words, limits, st.integers(0, 60))
def test_the_words_of_turns_do_not_make_cuts_depend_on_when_the_rest_arrives(everything, limits, seen):
    first = [cut for cut in plan_cuts(everything[:seen], limits) if cut.is_full]
    through = first[-1].last_position if first else 0
    second = plan_cuts([turn for turn in everything if turn.position > through], limits)
    assert first + second == plan_cuts(everything, limits)
    covered = [position for cut in first + second for position in range(cut.first_position, cut.last_position + 1)]
    assert covered == [turn.position for turn in everything]
    assert all(cut.last_position - cut.first_position < limits.turns for cut in first + second)


def test_only_the_last_cut_may_not_be_full():
    cuts = plan_cuts(turns([10] * 45), Limits(turns=20, tokens=10_000))
    assert [cut.is_full for cut in cuts] == [True, True, False]


@given(tokens_of_turns)
def test_what_is_cut_singly_is_one_full_batch_each(tokens):
    cuts = plan_cuts(turns(tokens), SINGLY)
    assert [(cut.first_position, cut.last_position, cut.is_full) for cut in cuts] == [
        (turn.position, turn.position, True) for turn in turns(tokens)
    ]


def test_a_batch_id_follows_from_its_place():
    session = SessionScope("t", "u", "s")
    assert batch_id(session, 1, 1) == batch_id(session, 1, 1)
    others = {batch_id(session, 2, 1), batch_id(session, 1, 2), batch_id(SessionScope("t", "u", "s2"), 1, 1)}
    assert len(others | {batch_id(session, 1, 1)}) == 4
