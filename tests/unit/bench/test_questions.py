"""Questions with the turns that answer them, and how an answer is scored."""

import json

import pytest

from bench import recall
from bench.data import longmemeval, questions
from bench.data.conversation import NotTheData


def entry(evidence, category=4):
    return {
        "sample_id": "conv-1",
        "conversation": {
            "speaker_a": "Ana",
            "speaker_b": "Bo",
            "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [
                {"speaker": "Ana", "dia_id": "D1:1", "text": "Hello!"},
                {"speaker": "Bo", "dia_id": "D1:2", "text": "Bye!"},
            ],
        },
        "qa": [{"question": "Who?", "answer": "Ana", "evidence": evidence, "category": category}],
    }


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [(["D1:1"], {"D1:1"}), (["D1:1; D1:2"], {"D1:1", "D1:2"}), (["D1:2", "D9:9"], {"D1:2"})],
)
def test_locomo_evidence_is_normalised(tmp_path, evidence, expected):
    (tmp_path / "one.json").write_text(json.dumps([entry(evidence)]), "utf-8")
    [labelled] = questions.locomo(tmp_path / "one.json")
    assert [asked.evidence for asked in labelled.questions] == [expected]


@pytest.mark.parametrize(("evidence", "category"), [(["D9:9"], 4), ([], 4), (["D1:1"], 5)])
def test_locomo_questions_that_nothing_answers_are_left_out(tmp_path, evidence, category):
    (tmp_path / "one.json").write_text(json.dumps([entry(evidence, category)]), "utf-8")
    [labelled] = questions.locomo(tmp_path / "one.json")
    assert labelled.questions == ()


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


@pytest.mark.parametrize("load", [questions.locomo, questions.realmem, longmemeval.load])
@pytest.mark.parametrize("content", ["not JSON", "[1]", '{"a": 1}'])
def test_a_file_of_another_form_is_refused(tmp_path, load, content):
    (tmp_path / "other.json").write_text(content, "utf-8")
    with pytest.raises(NotTheData, match=r"other\.json"):
        load(tmp_path / "other.json")


def test_ndcg():
    assert recall.ndcg(["a", "b"], {"a", "b"}) == 1
    assert recall.ndcg(["x", "a"], {"a"}) == pytest.approx(0.6309, abs=1e-4)
    assert recall.ndcg(["x"] * 10 + ["a"], {"a"}) == 0
    assert recall.ndcg([], {"a"}) == 0


def test_figures_are_means_per_category_and_over_all():
    def scored(category, share):
        return recall.Scored(category, {"recall_at_5": share}, tokens=10, seconds=0.02)

    figures = recall.summed([scored("1", 1.0), scored("2", 0.0), scored("2", 0.5)])
    assert figures["overall"] == {"recall_at_5": 0.5, "questions": 3}
    assert figures["categories"] == {
        "1": {"recall_at_5": 1.0, "questions": 1},
        "2": {"recall_at_5": 0.25, "questions": 2},
    }
    assert (figures["tokens_per_answer"], figures["latency_p50_ms"]) == (10, 20)
