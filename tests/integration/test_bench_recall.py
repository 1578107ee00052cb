"""The bench of recall, on small sets in the form of the real ones, prints what it promises."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MEANS = {"recall_at_5", "recall_at_10", "recall_at_20", "ndcg_at_10", "questions"}


def locomo():
    said = [
        ("Ana", "I adopted a parrot called Flint."),
        ("Bo", "My garden has roses."),
        ("Ana", "The weather is mild."),
    ]
    turns = [
        {"speaker": who, "dia_id": f"D1:{number}", "text": text} for number, (who, text) in enumerate(said, start=1)
    ]
    return [
        {
            "sample_id": "conv-1",
            "conversation": {
                "speaker_a": "Ana",
                "speaker_b": "Bo",
                "session_1_date_time": "1:56 pm on 8 May, 2023",
                "session_1": turns,
            },
            "observation": {"session_1_observation": {"Ana": [["Ana has a parrot.", "D1:1"]], "Bo": []}},
            "qa": [
                {"question": "What is Ana's parrot called?", "answer": "Flint", "evidence": ["D1:1"], "category": 4},
                {"question": "When was it mild?", "answer": "8 May", "evidence": ["D1:3"], "category": 2},
                {"question": "What has Bo?", "answer": "none", "evidence": ["D1:2"], "category": 5},
            ],
        }
    ]


def realmem():
    parrot = "I adopted a parrot called Flint."
    memory = {"content": "User has a parrot, Flint.", "source_turn": 1, "source_content_snapshot": parrot}
    told = {
        "session_uuid": "s1",
        "current_time": "2025-12-15 (Monday)",
        "dialogue_turns": [{"speaker": "User", "content": parrot}, {"speaker": "Assistant", "content": "How nice."}],
        "extracted_memory": [memory],
    }
    used = [{"session_uuid": "s1", "content": memory["content"]}]
    asked = {
        "session_uuid": "s2",
        "current_time": "2025-12-17 (Wednesday)",
        "dialogue_turns": [
            {"speaker": "User", "content": "What was my parrot called again?", "is_query": True},
            {"speaker": "Assistant", "content": "Flint.", "memory_used": used},
        ],
        "extracted_memory": [],
    }
    return {"_metadata": {"person_name": "Ana"}, "dialogues": [told, asked]}


def longmemeval():
    evidence = {"date": "2023/01/18 (Wed) 04:42", "role": "user", "content": "I adopted a parrot called Flint."}
    return [{"question": "Which pet have I?", "question_type": "single-session-user", "evidence": [evidence]}]


def beam():
    said = [("user", "My parrot is called Flint."), ("assistant", "A fine name. " * 200), ("user", "It is cold.")]
    turns = [
        {"id": number, "role": role, "content": content, "date": "March-15-2024", "session": 1}
        for number, (role, content) in enumerate(said)
    ]
    asked = {"kind": "information_extraction", "question": "What is my parrot called?", "ids": [0], "answer": "Flint"}
    unanswered = {"kind": "abstention", "question": "Which car have I?", "ids": [], "answer": "unknown"}
    return {"turns": turns, "questions": [asked, unanswered]}


def languages():
    said = {"role": "user", "name": "Ana", "at": "2025-02-03T18:20:00+00:00"}
    turns = [{**said, "id": "t1", "content": "Hello!"}, {**said, "id": "t2", "content": "My parrot is called Flint."}]
    asked = {"kind": "word", "question": "What is the parrot called?", "evidence": ["t2"], "answer": "Flint"}
    return {
        "language": "en",
        "user": {"name": "Ana"},
        "sessions": [{"session_id": "s1", "turns": turns}],
        "questions": [asked],
        "small_talk": ["t1"],
    }


def printed(tmp_path, name, held, *options):
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps(held), "utf-8")
    command = [sys.executable, "-m", "bench.recall", "--set", name, "--data", str(path), "--json", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("name", "held", "extraction", "categories"),
    [
        ("locomo", locomo(), "offline", {"2", "4"}),
        ("realmem", realmem(), "replay", {"query"}),
        ("longmemeval", longmemeval(), "none", {"single-session-user"}),
        ("beam", beam(), "none", {"information_extraction"}),
        ("languages", languages(), "none", {"en/word"}),
    ],
    ids=["locomo", "realmem", "longmemeval", "beam", "languages"],
)
def test_it_prints_one_json_object_with_all_figures(tmp_path, name, held, extraction, categories):
    figures = printed(tmp_path, name, held, "--extraction", extraction)
    assert figures["categories"].keys() == categories
    for means in (figures["overall"], *figures["categories"].values()):
        assert means.keys() == MEANS
        assert all(0 <= means[name] <= 1 for name in MEANS - {"questions"})
    assert figures["overall"]["questions"] == len(categories)
    assert figures["overall"]["recall_at_5"] == 1
    assert figures["latency_p95_ms"] >= figures["latency_p50_ms"] > 0
    assert figures["tokens_per_answer"] > 0
    if name == "languages":
        # They are summed by language and kind as well.
        assert figures["languages"]["en"] == {"word": 1.0, "overall": 1.0}
        assert figures["small_talk"] == {"recognised": 1, "missed": [], "wrong": []}


def test_before_and_after_are_asked_apart(tmp_path):
    figures = printed(tmp_path, "locomo", locomo(), "--extraction", "replay", "--before-and-after", "--limit", "1")
    assert figures["before"]["overall"]["recall_at_10"] == figures["overall"]["recall_at_10"] == 1
    # Before, no fact stands for its turn.
    assert figures["before"]["tokens_per_answer"] != figures["tokens_per_answer"]


def test_baselines_rank_the_same_turns_without_facts(tmp_path):
    figures = printed(tmp_path, "realmem", realmem(), "--extraction", "none", "--baselines")
    assert figures["baselines"].keys() == {"vectors", "words", "sum"}
    for found in figures["baselines"].values():
        assert found["categories"] == {"query": found["overall"]}
        # Two turns were said before the question. The question itself is no result.
        assert found["overall"] == figures["overall"] | {"ndcg_at_10": found["overall"]["ndcg_at_10"]}
    assert figures["baselines"]["words"]["overall"]["ndcg_at_10"] == 1


def test_data_of_another_form_are_refused(tmp_path):
    (tmp_path / "other.json").write_text("[1]", "utf-8")
    command = [sys.executable, "-m", "bench.recall", "--data", str(tmp_path / "other.json"), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert "other.json" in done.stderr and "Traceback" not in done.stderr
