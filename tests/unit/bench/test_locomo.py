"""Loading LoCoMo, from a file in its format that was written for this test."""

import json
from datetime import UTC, datetime

import pytest

from bench import locomo_demo
from bench.data import locomo
from bench.data.conversation import NotTheData

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
OBSERVATION = {
    "session_2_observation": {
        "Mara": [["Mara has a boat.", "D2:1"], ["They  talk.", ["D2:1", "D2:2"]], ["Both.", "D2:1, D2:2"]],
        "Otto": [["Otto is elsewhere.", "D7:1"]],
    }
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
        {"sample_id": "conv-1", "conversation": CONVERSATION, "observation": OBSERVATION, "qa": QUESTIONS},
        {"sample_id": "conv-2", "conversation": {}, "qa": []},
    ]
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


@pytest.fixture
def labelled(file):
    return locomo.load_questions(file)[0]


def test_sessions_are_in_the_order_of_their_numbers_and_turns_in_theirs(labelled):
    conversation = labelled.conversation
    assert [session.session_id for session in conversation.sessions] == ["session_2", "session_10"]
    assert list(conversation.turns) == ["D2:1", "D2:2", "D10:1"]


def test_a_turn_is_a_person_speaking_at_the_time_of_the_session(labelled):
    first, second, midnight = labelled.conversation.turns.values()
    assert (first.role, first.name, first.content) == ("user", "Mara", "I repainted the boat.")
    assert first.at == datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
    assert second.at > first.at
    assert midnight.at == datetime(2024, 1, 2, 0, 5, tzinfo=UTC)


def test_the_caption_of_an_image_is_part_of_the_turn(labelled):
    assert labelled.conversation.turns["D2:2"].content == "Look at this! [image: a photo of a red canoe]"


def test_facts_name_one_turn_or_several(labelled):
    assert [(gold.text, gold.turn_ids) for gold in labelled.conversation.gold] == [
        ("Mara has a boat.", ("D2:1",)),
        ("They talk.", ("D2:1", "D2:2")),
        ("Both.", ("D2:1", "D2:2")),
    ]


def test_questions_that_no_turn_of_the_conversation_answers_are_left_out(labelled):
    questions = {asked.text: asked for asked in labelled.questions}
    assert list(questions) == ["What did Mara paint?", "When?"]
    assert questions["When?"].evidence == {"D2:1", "D10:1"}
    assert (questions["When?"].answer, questions["When?"].category) == ("2023", "2")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["D8:6; D9:17"], {"D8:6", "D9:17"}),
        (["D9:1 D4:4 D4:6"], {"D9:1", "D4:4", "D4:6"}),
        (["D:11:26"], {"D11:26"}),
        (["D30:05"], {"D30:5"}),
        (["D1:1", "D1:1"], {"D1:1"}),
        (["D1:1", "D99:9"], {"D1:1"}),
        (["D", "", "nonsense"], set()),
    ],
)
def test_malformed_evidence_is_read_as_it_is_meant(given, meant):
    known = frozenset({"D8:6", "D9:17", "D9:1", "D4:4", "D4:6", "D11:26", "D30:5", "D1:1"})
    assert locomo.evidence_ids(given, known) == meant


def test_the_demo_takes_the_first_conversation_where_none_is_named(file):
    assert locomo_demo.chosen(file, None).conversation.user_id == "conv-1"
    assert locomo_demo.chosen(file, "conv-2").conversation.user_id == "conv-2"


def test_an_unknown_conversation_is_refused_with_those_that_are_there(file):
    with pytest.raises(NotTheData, match="no conversation conv-3, only conv-1, conv-2"):
        locomo_demo.chosen(file, "conv-3")


@pytest.mark.parametrize("content", ["[]", "{}"])
def test_a_file_without_conversations_is_refused(tmp_path, content):
    path = tmp_path / "empty.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(NotTheData, match=r"empty\.json contains no conversation"):
        locomo_demo.chosen(path, None)


@pytest.mark.parametrize("content", ["", "[1]", '[{"sample_id": "conv-1"}]', '"text"', "[[]]"])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "other.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(NotTheData, match=r"other\.json is no LoCoMo file"):
        locomo.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(NotTheData, match=r"missing\.json"):
        locomo.load(tmp_path / "missing.json")
