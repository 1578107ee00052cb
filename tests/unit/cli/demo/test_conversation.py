"""The conversation that ships with the demo: well formed, and such that the offline rules find what is asked for."""

from collections import Counter
from itertools import pairwise

import pytest

from afterturn import turns
from afterturn.extraction import answer
from afterturn.extraction.extractor import ExtractionRequest
from afterturn.extraction.offline import OfflineExtractor
from api_shim.cli.demo import recorded

SESSIONS = recorded.shipped_sessions()
LIMIT_BYTES = 4_096


def facts_of(session_id):
    session = next(session for session in SESSIONS if session.session_id == session_id)
    request = ExtractionRequest(turns=session.turns, context=(), user_name=None, timezone="UTC")
    return answer.parse(OfflineExtractor().extract(request).text).facts


def test_two_users_have_three_sessions_one_of_them_two_months_apart():
    assert [(session.user_id, session.session_id) for session in SESSIONS] == [
        ("ines", "january"),
        ("tom", "training"),
        ("ines", "september"),
    ]
    assert (SESSIONS[2].turns[0].occurred_at - SESSIONS[0].turns[0].occurred_at).days > 200
    assert 40 <= recorded.count_turns(SESSIONS) <= 60


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.session_id)
def test_every_turn_can_be_written_and_they_follow_each_other(session):
    for turn in session.turns:
        written = turns.make_turn(
            turn.role,
            turn.content,
            limit_bytes=LIMIT_BYTES,
            turn_id=turn.turn_id,
            name=turn.name,
            occurred_at=turn.occurred_at,
        )
        assert written.content == turn.content
    assert all(first.occurred_at < second.occurred_at for first, second in pairwise(session.turns))
    assert [turn.role for turn in session.turns[::2]] == ["user"] * (len(session.turns) // 2)
    assert [turn.role for turn in session.turns[1::2]] == ["assistant"] * (len(session.turns) // 2)
    assert len(session.people) == 1


def test_turn_ids_are_unique():
    counts = Counter(turn.turn_id for session in SESSIONS for turn in session.turns)
    assert set(counts.values()) == {1}


def test_questions_are_asked_of_users_who_spoke():
    questions = recorded.shipped_questions()
    assert len(questions) >= 5
    assert {question.user_id for question in questions} == {session.user_id for session in SESSIONS}


@pytest.mark.parametrize(
    ("attribute", "before", "after"),
    [
        ("lives_in", "Porto", "Lisbon"),
        ("favourite_drink", "black coffee", "ginger tea"),
        ("diet", "vegetarian", "pescatarian"),
        ("works_at", "Casa Azul", "Oceano Studio"),
        ("works_as", "graphic designer", "art director"),
    ],
)
def test_what_changes_is_found_before_and_after(attribute, before, after):
    found = [
        fact.value
        for session_id in ("january", "september")
        for fact in facts_of(session_id)
        if fact.attribute == attribute and fact.subject == "Inês"
    ]
    assert found == [before, after]


def test_a_correction_counts():
    wedding = [fact.text for fact in facts_of("january") if "Clara" in fact.text]
    assert len(wedding) == 1
    assert "19 July 2025" in wedding[0]


def test_relative_dates_are_those_of_the_conversation():
    assert "Tom hurt their left knee in the week of 28 April 2025." in [fact.text for fact in facts_of("training")]
