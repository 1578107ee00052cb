"""Questions with the turns that answer them."""

import json

import pytest

from bench.data import halumem_questions, longmemeval, questions
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


@pytest.mark.parametrize(
    "given",
    ["2025-12-15 (Monday)", {"date": "2025-12-15", "weekday": "Monday"}, {"start": {"day": "2025-12-15 (Monday)"}}],
    ids=["text", "object", "nested"],
)
def test_a_realmem_session_has_the_day_of_its_current_time(tmp_path, given):
    said = realmem_session("s1", {"speaker": "User", "content": "I have a parrot."}) | {"current_time": given}
    (tmp_path / "who.json").write_text(json.dumps({"_metadata": {}, "dialogues": [said]}), "utf-8")

    [labelled] = questions.realmem(tmp_path)

    assert labelled.conversation.turns["1-s1:1"].at.date().isoformat() == "2025-12-15"


@pytest.mark.parametrize("given", ["Monday", {"weekday": "Monday"}, None])
def test_a_realmem_session_without_a_day_is_refused(tmp_path, given):
    said = realmem_session("s1", {"speaker": "User", "content": "I have a parrot."}) | {"current_time": given}
    (tmp_path / "who.json").write_text(json.dumps({"_metadata": {}, "dialogues": [said]}), "utf-8")

    with pytest.raises(NotTheData, match="current_time"):
        questions.realmem(tmp_path)


def test_halumem_questions_are_answered_by_the_turns_of_their_points(tmp_path):
    def said(content, moment):
        return {"role": "user", "content": content, "timestamp": moment}

    def point(text, *originals):
        update = {"is_update": str(bool(originals)), "original_memories": list(originals)}
        return {"memory_content": text, "memory_source": "primary", **update}

    def asked(text, *points):
        evidence = [{"memory_content": content} for content in points]
        return {"question": text, "answer": "x", "evidence": evidence, "question_type": "recall"}

    first = {
        "dialogue": [said("I live in Lisbon now.", "Jan 15, 2029, 15:12:20")],
        "memory_points": [point("Ana lives in Lisbon.", "Ana lives in Rome.")],
        "questions": [asked("Where does Ana live?", "Ana lives in Lisbon."), asked("Which cat?")],
    }
    second = {
        "dialogue": [said("A cat sleeps here.", "Feb 15, 2029, 15:12:20")],
        "memory_points": [point("Ana has a cat.")],
        "questions": [asked("Where did she live?", "Ana lives in Rome.", "Nobody said it.")],
    }
    user = {"uuid": "u-1", "sessions": [first, second]}
    (tmp_path / "user1.jsonl").write_text(json.dumps(user) + "\n", "utf-8")

    [labelled] = halumem_questions.load(tmp_path)

    found = [(one.text, one.evidence) for one in labelled.questions]
    assert found == [("Where does Ana live?", {"session-1:1"}), ("Where did she live?", {"opening:1"})]
    turns = labelled.conversation.turns
    assert turns["session-1:1"].at < labelled.questions[0].at < turns["session-2:1"].at < labelled.questions[1].at


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


@pytest.mark.parametrize("load", [questions.realmem, longmemeval.load, halumem_questions.load])
@pytest.mark.parametrize("content", ["not JSON", "[1]", '{"a": 1}'])
def test_a_file_of_another_form_is_refused(tmp_path, load, content):
    (tmp_path / "other.json").write_text(content, "utf-8")
    with pytest.raises(NotTheData, match=r"other\.json"):
        load(tmp_path / "other.json")
