"""Questions with the turns that answer them."""

import json

import pytest

from bench.data import longmemeval, questions
from bench.data.conversation import NotTheData


def realmem_session(name, *turns, memories=()):
    return {
        "session_uuid": name,
        "current_time": "2025-12-15 (Monday)",
        "dialogue_turns": list(turns),
        "extracted_memory": list(memories),
    }


def test_realmem_answers_stand_on_the_turn_behind_the_query(tmp_path):
    memory = {"content": "Has a  parrot.", "source_turn": 1, "source_content_snapshot": "I have a parrot."}
    told = realmem_session("s1", {"speaker": "User", "content": "I have a parrot."}, memories=[memory])
    used = [{"session_uuid": "s1", "content": "Has a parrot."}, {"session_uuid": "s1", "content": "Unheard of."}]
    asked = realmem_session(
        "s2",
        {"speaker": "User", "content": "Which pet?", "is_query": True},
        {"speaker": "Assistant", "content": "A parrot.", "memory_used": used},
        {"speaker": "User", "content": "And now?", "is_query": True},
        {"speaker": "Assistant", "content": "Nothing.", "memory_used": []},
    )
    (tmp_path / "who.json").write_text(json.dumps({"_metadata": {}, "dialogues": [told, asked]}), "utf-8")

    [labelled] = questions.realmem(tmp_path)

    [question] = labelled.questions
    assert (question.text, question.evidence) == ("Which pet?", {"1-s1:1"})
    assert question.at == labelled.conversation.turns["2-s2:1"].at


def test_longmemeval_is_one_pool_and_each_turn_stands_in_it_once(tmp_path):
    def said(content):
        return {"date": "2023/01/18 (Wed) 04:42", "role": "user", "content": content}

    rows = [
        {"question": "One?", "question_type": "a", "evidence": [said("x"), said("y")]},
        {"question": "Two?", "question_type": "b", "evidence": [said("y")]},
        {"question": "None?", "question_type": "b", "evidence": []},
    ]
    (tmp_path / "rows.json").write_text(json.dumps(rows), "utf-8")

    [labelled] = longmemeval.load(tmp_path / "rows.json")

    assert [turn.content for turn in labelled.conversation.turns.values()] == ["x", "y"]
    assert [(asked.text, asked.category, len(asked.evidence)) for asked in labelled.questions] == [
        ("One?", "a", 2),
        ("Two?", "b", 1),
    ]


@pytest.mark.parametrize("load", [questions.realmem, longmemeval.load])
@pytest.mark.parametrize("content", ["not JSON", "[1]", '{"a": 1}'])
def test_a_file_of_another_form_is_refused(tmp_path, load, content):
    (tmp_path / "other.json").write_text(content, "utf-8")
    with pytest.raises(NotTheData, match=r"other\.json"):
        load(tmp_path / "other.json")
