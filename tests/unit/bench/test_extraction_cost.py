"""What extraction is shown of labelled chats."""

import json

import pytest

from bench import extraction_cost
from bench.data import beam
from bench.data.conversation import NotTheData

ADVICE = " ".join(f"General advice number {number} is of little use to most people." for number in range(60))


@pytest.fixture
def chat(tmp_path):
    def row(place, role, content, date="March-15-2024", session=1):
        return {"id": place, "role": role, "content": content, "date": date, "session": session}

    turns = [
        row(0, "user", "My greyhound Bruno limps."),
        row(1, "assistant", f"Sorry. {ADVICE} Take Bruno to Alvalade. {ADVICE} Is he in pain?"),
        row(2, "user", "Yes. We go to Alvalade at once.", date="April-02-2024", session=2),
    ]
    question = {"kind": "extraction", "question": "Where?", "answer": "To Alvalade, with Bruno", "ids": [1, 99]}
    path = tmp_path / "1.json"
    path.write_text(json.dumps({"turns": turns, "questions": [question]}), "utf-8")
    return path


def test_a_chat_is_read_with_its_sessions_and_questions(chat):
    [labelled] = beam.load(chat.parent)
    first, second = labelled.conversation.sessions
    assert [turn.role for turn in first.turns] == ["user", "assistant"]
    assert [turn.at.isoformat() for turn in second.turns] == ["2024-04-02T09:00:00+00:00"]
    assert labelled.questions[0].evidence == {"1"}


def test_a_file_of_another_form_is_refused(tmp_path):
    (tmp_path / "1.json").write_text("[]", "utf-8")
    with pytest.raises(NotTheData, match=r"1\.json is no file of BEAM"):
        beam.load(tmp_path)


def test_calls_tokens_and_the_words_that_are_shown_are_counted(chat):
    figures = extraction_cost.figures(beam.load(chat))
    assert figures["turns"] == 3
    assert figures["llm_calls_per_100_turns"] == pytest.approx(200 / 3)
    assert figures["tokens_per_answer"] > 1_000 > 300 > figures["shown_tokens_per_answer"]
    assert figures["shown_share_of_people"] == 1
    # The answer's words are shown: Alvalade and Bruno.
    assert figures["evidence_words"] == 1
    assert figures["prompt_tokens_per_token_said"] > 0


def test_figures_that_no_turn_counts_for_are_none(tmp_path):
    turns = [{"id": 0, "role": "user", "content": "Hi", "date": "March-15-2024", "session": 1}]
    (tmp_path / "1.json").write_text(json.dumps({"turns": turns, "questions": []}), "utf-8")
    figures = extraction_cost.figures(beam.load(tmp_path))
    assert figures["tokens_per_answer"] is None and figures["evidence_words"] is None
