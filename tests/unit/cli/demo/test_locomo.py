"""Loading LoCoMo, from a file in its format that was written for this test."""

import json
from datetime import UTC, datetime

import pytest

from afterturn.errors import InvalidInput
from api_shim.cli.demo import locomo

CONVERSATION = {
    "speaker_a": "Mara",
    "speaker_b": "Otto",
    "session_10_date_time": "12:05 am on 2 January, 2024",
    "session_10": [{"speaker": "Otto", "dia_id": "D10:1", "text": "Happy new year!"}],
    "session_2_date_time": "1:56 pm on 8 May, 2023",
    "session_2": [
        {"speaker": "Mara", "dia_id": "D2:1", "text": "I repainted the boat."},
        {"speaker": "Otto", "dia_id": "D2:2", "text": "Look at this!", "blip_caption": "a photo of a red canoe"},
    ],
    # Some files go on with dates of sessions that they do not hold.
    "session_11_date_time": "9:00 am on 3 January, 2024",
}
QUESTIONS = [
    {"question": "What did Mara paint?", "answer": "The boat", "evidence": ["D2:1"], "category": 4},
    {"question": "When?", "answer": 2023, "evidence": ["D2:1; D10:1", "D99:1"], "category": 2},
    {"question": "Nobody knows?", "answer": "No", "evidence": ["D3:7"], "category": 1},
    {"question": "No evidence?", "answer": "None", "evidence": [], "category": 3},
    {"question": "A trick?", "adversarial_answer": "The canoe", "evidence": ["D2:2"], "category": 5},
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "locomo.json"
    entries = [
        {"sample_id": "conv-1", "conversation": CONVERSATION, "qa": QUESTIONS},
        {"sample_id": "conv-2", "conversation": {}, "qa": []},
    ]
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


def test_sessions_are_in_the_order_of_their_numbers_and_turns_in_theirs(file):
    conversation = locomo.load(file, "conv-1")
    assert [session.session_id for session in conversation.sessions] == ["session_2", "session_10"]
    assert [turn.turn_id for session in conversation.sessions for turn in session.turns] == ["D2:1", "D2:2", "D10:1"]
    assert {session.user_id for session in conversation.sessions} == {"conv-1"}


def test_a_turn_is_a_person_speaking_at_the_time_of_the_session(file):
    first, second = locomo.load(file, "conv-1").sessions[0].turns
    assert (first.role, first.name, first.content) == ("user", "Mara", "I repainted the boat.")
    assert first.occurred_at == datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
    assert second.occurred_at > first.occurred_at
    midnight = locomo.load(file, "conv-1").sessions[1].turns[0]
    assert midnight.occurred_at == datetime(2024, 1, 2, 0, 5, tzinfo=UTC)


def test_the_caption_of_an_image_is_part_of_the_turn(file):
    assert locomo.load(file, "conv-1").sessions[0].turns[1].content == "Look at this! [image: a photo of a red canoe]"


def test_questions_without_evidence_in_the_conversation_are_left_out(file):
    questions = {question.text: question for question in locomo.load(file, "conv-1").questions}
    assert list(questions) == ["What did Mara paint?", "When?", "A trick?"]
    assert questions["When?"].evidence == {"D2:1", "D10:1"}
    assert questions["When?"].answer == "2023"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["D8:6; D9:17"], {"D8:6", "D9:17"}),
        (["D9:1 D4:4 D4:6"], {"D9:1", "D4:4", "D4:6"}),
        (["D:11:26"], {"D11:26"}),
        (["D30:05"], {"D30:5"}),
        (["D1:1", "D1:1"], {"D1:1"}),
        (["D", "", "nonsense"], set()),
    ],
)
def test_malformed_evidence_is_read_as_it_is_meant(given, meant):
    known = frozenset({"D8:6", "D9:17", "D9:1", "D4:4", "D4:6", "D11:26", "D30:5", "D1:1"})
    assert locomo.evidence_ids(given, known) == meant


def test_the_first_conversation_is_the_default(file):
    assert locomo.load(file).conversation_id == "conv-1"


def test_an_unknown_conversation_is_refused_with_those_that_are_there(file):
    with pytest.raises(InvalidInput, match="no conversation conv-3, only conv-1, conv-2"):
        locomo.load(file, "conv-3")


@pytest.mark.parametrize("content", ["", "[]", "{}", "[1]", '[{"sample_id": "conv-1"}]', '"text"', "[[]]"])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "other.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"other\.json is no LoCoMo file"):
        locomo.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InvalidInput, match=r"missing\.json cannot be read: No such file"):
        locomo.load(tmp_path / "missing.json")
