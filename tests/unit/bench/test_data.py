"""Labelled conversations: which turn says which fact, and which of them are updates."""

import json
from datetime import UTC, datetime

import pytest

from bench.data import halumem, locomo, realmem
from bench.data.conversation import NotTheData, Update


def dialogue(moment: str, *contents: str) -> list[dict]:
    roles = ("user", "assistant")
    return [
        {"role": roles[number % 2], "content": content, "timestamp": moment} for number, content in enumerate(contents)
    ]


def point(text: str, *originals: str, source: str = "secondary") -> dict:
    return {
        "memory_content": text,
        "is_update": str(bool(originals)),
        "original_memories": list(originals),
        "memory_source": source,
        "timestamp": "Jan 15, 2029, 16:15:20",
    }


@pytest.fixture
def halumem_user(tmp_path):
    sessions = [
        {
            "dialogue": dialogue(
                "Jan 15, 2029, 15:12:20",
                "Hello there, I moved to Lisbon.",
                "Ana lives in Lisbon, I see.",
                "I moved to Lisbon, and Ana lives in it with a cat.",
            ),
            "memory_points": [
                point("Ana lives in Lisbon."),
                point("Ana lives in Rome.", source="interference"),
            ],
        },
        {
            "dialogue": dialogue("Feb 15, 2029, 15:12:20", "Porto it is. The cat is gone.", "Oh."),
            "memory_points": [
                point("Ana lives in Porto.", "ana lives in  lisbon."),
                point("Ana has no cat.", "[Sep 06, 2025, 22:43:36][Persona Memory]Ana has a cat."),
                point("Ana is sad.", "Ana is sad."),
            ],
        },
    ]
    user = {"uuid": "u-1", "persona_info": "[2025] Name: Ana Sol; Gender: Female", "sessions": sessions}
    (tmp_path / "user7.jsonl").write_text(json.dumps(user) + "\n", "utf-8")
    return halumem.load(tmp_path)[0]


def test_halumem_points_are_said_by_the_users_turn_that_is_most_alike(halumem_user):
    said = {gold.text: gold.turn_ids for gold in halumem_user.gold}

    assert said["Ana lives in Lisbon."] == ("session-1:3",)
    assert said["Ana lives in Porto."] == ("session-2:1",)
    assert halumem_user.user_name == "Ana Sol"


def test_halumem_distractors_are_no_gold(halumem_user):
    assert "Ana lives in Rome." not in {gold.text for gold in halumem_user.gold}


def test_halumem_old_values_that_nobody_said_are_said_in_an_opening_session(halumem_user):
    opening = halumem_user.sessions[0]

    assert opening.is_made_up
    assert [turn.content for turn in opening.turns] == ["Ana has a cat."]
    assert opening.turns[0].at < halumem_user.sessions[1].turns[0].at
    assert ("Ana has a cat.", ("opening:1",)) in {(gold.text, gold.turn_ids) for gold in halumem_user.gold}


def test_halumem_an_update_to_the_same_text_is_none(halumem_user):
    assert halumem_user.updates == (
        Update(old="ana lives in lisbon.", new="Ana lives in Porto."),
        Update(old="Ana has a cat.", new="Ana has no cat."),
    )


def test_halumem_is_moved_into_the_past_by_whole_weeks(halumem_user):
    at = halumem_user.sessions[1].turns[0].at

    assert at.year == 2009
    assert (datetime(2029, 1, 15, 15, 12, 20, tzinfo=UTC) - at).days % 7 == 0


def test_halumem_turns_of_one_moment_keep_their_order(halumem_user):
    moments = [turn.at for turn in halumem_user.turns.values()]

    assert moments == sorted(set(moments))


def test_realmem_facts_are_found_by_their_turns_words_near_their_number(tmp_path):
    said = ["I want to save.", "How much?", "Ten a month.", "Good.", "Ten a month."]
    speakers = ("User", "Assistant")
    memories = [
        {"content": "Saves 10.", "source_turn": 5, "source_content_snapshot": "Ten a  month."},
        {"content": "Wants to save.", "source_turn": 1, "source_content_snapshot": "I want to save."},
        {"content": "Was asked.", "source_turn": 9, "source_content_snapshot": "How much, then?"},
    ]
    session = {
        "session_uuid": "s1",
        "current_time": "2025-12-15 (Monday)",
        "dialogue_turns": [{"speaker": speakers[place % 2], "content": text} for place, text in enumerate(said)],
        "extracted_memory": memories,
    }
    (tmp_path / "who.json").write_text(json.dumps({"_metadata": {"person_name": "A_B"}, "dialogues": [session]}))

    [conversation] = realmem.load(tmp_path)

    assert [gold.turn_ids for gold in conversation.gold] == [("1-s1:5",), ("1-s1:1",), ("1-s1:2",)]
    assert conversation.user_name == "A B"
    assert next(iter(conversation.turns.values())).at.date().isoformat() == "2025-12-15"


@pytest.mark.parametrize("module", [halumem, locomo, realmem])
@pytest.mark.parametrize("content", ["not JSON", "[1]", '{"a": 1}'])
def test_a_file_of_another_form_is_refused(tmp_path, module, content):
    path = tmp_path / "other.json"
    path.write_text(content, "utf-8")

    with pytest.raises(NotTheData, match=r"other\.json"):
        module.load(path)


@pytest.mark.parametrize("module", [halumem, locomo, realmem])
def test_a_folder_without_files_is_refused(tmp_path, module):
    with pytest.raises(NotTheData):
        module.load(tmp_path)
