"""Edits as turns: how many turns, their ids, and the answers that they contain."""

import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterturn import ids, turns
from afterturn.errors import AnswerMalformed, InvalidId
from afterturn.facts import edits, validation
from afterturn.facts.edits import Action, ManualAnswer, NewFact

FACT_ID = uuid.UUID(int=7)


def new_fact(text, *, is_pinned=False, **more):
    return NewFact(candidate=validation.make_candidate(text, **more), is_pinned=is_pinned)


def addition_turns(facts, *, edit_id=None, limit_bytes=262_144):
    return edits.make_addition_turns(facts, edit_id=edit_id, agent_id=None, limit_bytes=limit_bytes)


def stored_answer(turn):
    """Return the answer in a turn, encoded and decoded as for Redis and the archive."""
    payload = turns.encode(turn, limit_bytes=1_000_000)
    return edits.parse_answer(json.dumps(edits.answer_from_metadata(turns.decode(payload).metadata)))


def test_the_turn_contains_only_the_given_fields():
    [(turn, count)] = addition_turns([new_fact("Ana lives in Porto.", subject="Ana", topics=["home"])])
    assert (turn.role, turn.content, count) == ("edit", "Ana lives in Porto.", 1)
    [candidate] = stored_answer(turn).facts
    assert candidate.model_fields_set == {"text", "subject", "topics", "evidence"}
    assert (candidate.text, candidate.subject, candidate.topics) == ("Ana lives in Porto.", "Ana", ("home",))


def test_action_and_correction_turns_contain_their_edit():
    for action in (Action.PIN, Action.UNPIN, Action.DELETE):
        answer = stored_answer(edits.make_action_turn(action, FACT_ID, edit_id=None, agent_id="a"))
        assert [(edit.action, edit.fact_id) for edit in answer.edits] == [(action, FACT_ID)]
        assert (answer.facts, answer.pinned) == ((), None)
    turn = edits.make_correction_turn(FACT_ID, validation.make_candidate("x"), pinned=False, edit_id="e", agent_id=None)
    answer = stored_answer(turn)
    assert (turn.turn_id, answer.edits[0].action, answer.pinned) == ("e", Action.CORRECT, False)


sizes = st.lists(st.tuples(st.integers(1, 2_000), st.booleans()), max_size=130)


@given(sizes, st.integers(8_192, 60_000))
def test_facts_are_split_into_turns_within_the_limits(given_sizes, limit_bytes):
    facts = [new_fact("é" * size, is_pinned=is_pinned) for size, is_pinned in given_sizes]
    written = addition_turns(facts, edit_id="e" * edits.ID_LIMIT_CHARACTERS, limit_bytes=limit_bytes)
    assert sum(count for _, count in written) == len(facts)
    stored = [
        (candidate.text, stored_answer(turn).pinned) for turn, _ in written for candidate in stored_answer(turn).facts
    ]
    assert stored == [(fact.candidate.text, fact.is_pinned) for fact in facts]
    for turn, count in written:
        assert 1 <= count <= edits.FACTS_PER_TURN
        ids.validate_id("turn_id", turn.turn_id)
        if count > 1:
            turns.encode(turn, limit_bytes=limit_bytes)


def test_turn_ids_are_derived_from_the_edit_id():
    facts = [new_fact(f"number {number}") for number in range(120)]
    first = [turn.turn_id for turn, _ in addition_turns(facts, edit_id="e-1")]
    assert first == ["e-1", "e-1/1", "e-1/2"] == [turn.turn_id for turn, _ in addition_turns(facts, edit_id="e-1")]
    assert [turn.turn_id for turn, _ in addition_turns(facts)] != [turn.turn_id for turn, _ in addition_turns(facts)]
    with pytest.raises(InvalidId):
        addition_turns(facts, edit_id="e" * (edits.ID_LIMIT_CHARACTERS + 1))


@pytest.mark.parametrize("text", ["null", "{}x", '{"edits": [{"action": "explode", "fact_id": "x"}]}', "[]"])
def test_a_text_that_is_not_an_edit_is_malformed(text):
    with pytest.raises(AnswerMalformed, match="the edit does not fit"):
        edits.parse_answer(text)


def test_unknown_keys_of_a_newer_release_are_ignored():
    assert edits.parse_answer('{"facts": [], "edits": [], "reason": "because"}') == ManualAnswer(facts=(), edits=())


def test_fact_ids_depend_on_tenant_user_edit_and_index():
    fact_ids = {
        ids.derive_manual_fact_id(*named)
        for named in (
            ("t", "u", "e", 0),
            ("t", "u", "e", 1),
            ("t", "u", "f", 0),
            ("t", "v", "e", 0),
            ("s", "u", "e", 0),
        )
    }
    assert len(fact_ids) == 5
    assert ids.derive_manual_fact_id("t", "u", "e", 0) in fact_ids
