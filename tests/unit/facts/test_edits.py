"""Edits as turns: how many, with which ids, and what they carry."""

import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterturn import ids, turns
from afterturn.errors import AnswerMalformed, InvalidId
from afterturn.facts import edits, entered
from afterturn.facts.edits import Action, Entered, ManualAnswer

FACT = uuid.UUID(int=7)


def fact(text, *, is_pinned=False, **more):
    return Entered(candidate=entered.candidate(text, **more), is_pinned=is_pinned)


def added(facts, *, edit_id=None, limit_bytes=262_144):
    return edits.add(facts, edit_id=edit_id, agent_id=None, limit_bytes=limit_bytes)


def carried(turn):
    """Return the answer that a turn carries, after it has been to Redis and to the archive."""
    payload = turns.encode(turn, limit_bytes=1_000_000)
    return edits.parse(json.dumps(edits.answer_of(turns.decode(payload).metadata)))


def test_a_turn_carries_what_was_said_and_nothing_else():
    [(turn, count)] = added([fact("Ana lives in Porto.", subject="Ana", topics=["home"])])
    assert (turn.role, turn.content, count) == ("edit", "Ana lives in Porto.", 1)
    [candidate] = carried(turn).facts
    assert candidate.model_fields_set == {"text", "subject", "topics", "evidence"}
    assert (candidate.text, candidate.subject, candidate.topics) == ("Ana lives in Porto.", "Ana", ("home",))


def test_actions():
    for action in (Action.PIN, Action.UNPIN, Action.DELETE):
        answer = carried(edits.act(action, FACT, edit_id=None, agent_id="a"))
        assert [(edit.action, edit.fact_id) for edit in answer.edits] == [(action, FACT)]
        assert (answer.facts, answer.pinned) == ((), None)
    turn = edits.correct(FACT, entered.candidate("x"), pinned=False, edit_id="e", agent_id=None)
    answer = carried(turn)
    assert (turn.turn_id, answer.edits[0].action, answer.pinned) == ("e", Action.CORRECT, False)


sizes = st.lists(st.tuples(st.integers(1, 2_000), st.booleans()), max_size=130)


@given(sizes, st.integers(8_192, 60_000))
def test_many_facts_become_few_turns_that_fit(given_sizes, limit_bytes):
    facts = [fact("é" * size, is_pinned=is_pinned) for size, is_pinned in given_sizes]
    written = added(facts, edit_id="e" * edits.ID_LIMIT_CHARACTERS, limit_bytes=limit_bytes)
    assert sum(count for _, count in written) == len(facts)
    told = [(candidate.text, carried(turn).pinned) for turn, _ in written for candidate in carried(turn).facts]
    assert told == [(one.candidate.text, one.is_pinned) for one in facts]
    for turn, count in written:
        assert 1 <= count <= edits.FACTS_PER_TURN
        ids.validated("turn_id", turn.turn_id)
        if count > 1:
            turns.encode(turn, limit_bytes=limit_bytes)


def test_the_turns_of_one_edit_have_ids_that_follow_from_its_own():
    facts = [fact(f"number {number}") for number in range(120)]
    first = [turn.turn_id for turn, _ in added(facts, edit_id="e-1")]
    assert first == ["e-1", "e-1/1", "e-1/2"] == [turn.turn_id for turn, _ in added(facts, edit_id="e-1")]
    assert [turn.turn_id for turn, _ in added(facts)] != [turn.turn_id for turn, _ in added(facts)]
    with pytest.raises(InvalidId):
        added(facts, edit_id="e" * (edits.ID_LIMIT_CHARACTERS + 1))


@pytest.mark.parametrize("text", ["null", "{}x", '{"edits": [{"action": "explode", "fact_id": "x"}]}', "[]"])
def test_what_is_no_edit_is_malformed(text):
    with pytest.raises(AnswerMalformed, match="the edit does not fit"):
        edits.parse(text)


def test_an_answer_of_a_newer_release_is_read_as_far_as_it_is_known():
    assert edits.parse('{"facts": [], "edits": [], "reason": "because"}') == ManualAnswer(facts=(), edits=())


def test_a_facts_id_follows_from_whose_edit_it_is():
    known = {
        ids.manual_fact_id(*named)
        for named in (
            ("t", "u", "e", 0),
            ("t", "u", "e", 1),
            ("t", "u", "f", 0),
            ("t", "v", "e", 0),
            ("s", "u", "e", 0),
        )
    }
    assert len(known) == 5
    assert ids.manual_fact_id("t", "u", "e", 0) in known
