"""Loading the set of languages, from a file in its format that was written for this test."""

import json

import pytest

from bench import asking, small_talk
from bench.asking import Scored
from bench.data import languages
from bench.data.conversation import NotTheData

AT = "2025-02-03T18:20:00+01:00"
ENTRY = {
    "language": "de",
    "user": {"name": "Katrin Vogel", "timezone": "Europe/Berlin"},
    "sessions": [
        {
            "session_id": "s1",
            "turns": [
                {"id": "t1", "role": "user", "name": "Katrin Vogel", "content": "Guten Morgen!", "at": AT},
                {"id": "t2", "role": "user", "name": "Katrin Vogel", "content": "Unser Hund heißt Balu.", "at": AT},
            ],
        }
    ],
    "questions": [
        {"id": "q1", "kind": "word", "question": "Wie heißt der Hund?", "evidence": ["t2"], "answer": "Balu"},
        {"id": "q2", "kind": "changed", "question": "Und jetzt?", "evidence": ["t2"], "answer": "Balu"},
    ],
    "small_talk": ["t1"],
    "secrets": [],
}


@pytest.fixture
def labelled(tmp_path):
    (tmp_path / "de.json").write_text(json.dumps(ENTRY), "utf-8")
    return languages.load(tmp_path)[0]


def test_a_file_is_one_user_whose_questions_are_counted_by_language_and_kind(labelled):
    assert labelled.conversation.user_id == "de"
    assert [question.category for question in labelled.questions] == ["de/word", "de/changed"]
    assert labelled.conversation.turns["t2"].content == "Unser Hund heißt Balu."


def test_the_figures_are_r_at_5_by_language_and_kind():
    scored = [
        Scored("de/word", {"recall_at_5": 1.0}, 10, 0.1),
        Scored("de/changed", {"recall_at_5": 0.0}, 10, 0.1),
        Scored("en/word", {"recall_at_5": 0.5}, 10, 0.1),
    ]
    assert asking.by_language(scored) == {
        "all": {"word": 0.75, "overall": 0.5, "changed": 0.0},
        "de": {"word": 1.0, "overall": 0.5, "changed": 0.0},
        "en": {"word": 0.5, "overall": 0.5},
    }


def test_small_talk_that_is_missed_and_turns_that_are_taken_for_it_are_named(labelled):
    assert small_talk.figures([labelled]) == {"recognised": 1, "missed": [], "wrong": []}


def test_data_of_another_form_are_refused(tmp_path):
    (tmp_path / "other.json").write_text("[1]", "utf-8")
    with pytest.raises(NotTheData, match=r"other\.json"):
        languages.load(tmp_path)
