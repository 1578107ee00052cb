"""What is said in a bench."""

import json
from collections import defaultdict
from itertools import islice

from bench import workload


def test_no_two_turns_are_alike_and_every_run_says_the_same():
    said = list(islice(workload.messages(users=7), 2_000))
    assert len({message.content for message in said}) == 2_000
    assert {message.user_id for message in said} == {f"user-{number}" for number in range(7)}
    assert list(islice(workload.messages(users=7), 2_000)) == said


def test_each_user_is_answered():
    roles = defaultdict(list)
    for message in islice(workload.messages(users=3), 300):
        roles[message.user_id].append(message.role)
    for spoken in roles.values():
        assert spoken[::2] == ["user"] * len(spoken[::2])
        assert spoken[1::2] == ["assistant"] * len(spoken[1::2])


def test_users_say_the_chats_of_a_folder_from_their_beginning(tmp_path):
    for name in ("1", "2"):
        turns = [
            {"id": place, "role": role, "content": f"{role} of {name}", "date": "March-15-2024", "session": 1}
            for place, role in enumerate(("user", "assistant"))
        ]
        (tmp_path / f"{name}.json").write_text(json.dumps({"turns": turns, "questions": []}), "utf-8")
    spoken = defaultdict(list)
    for message in islice(workload.messages(users=2, data=tmp_path), 20):
        spoken[message.user_id].append((message.role, message.content.split(") ", 1)[1]))
    assert spoken["user-0"][:3] == [("user", "user of 1"), ("assistant", "assistant of 1"), ("user", "user of 1")]
    assert spoken["user-1"][:2] == [("user", "user of 2"), ("assistant", "assistant of 2")]


def test_recorded_texts_are_said_over_and_over(tmp_path):
    sessions = {
        "speaker_a": "Ana",
        "session_1_date_time": "1:56 pm on 8 May, 2023",
        "session_1": [{"speaker": "Ana", "dia_id": "D1:1", "text": "Hello!"}, {"speaker": "Bo", "dia_id": "D1:2"}],
        "session_2": [{"speaker": "Bo", "dia_id": "D2:1", "text": "Bye!"}],
    }
    path = tmp_path / "recorded.json"
    path.write_text(json.dumps([{"conversation": sessions, "qa": []}]), "utf-8")
    contents = [message.content for message in islice(workload.messages(users=2, data=path), 3)]
    assert contents == ["Hello! (No. 0)", "Bye! (No. 1)", "Hello! (No. 2)"]
