"""What is said in a bench."""

import json
from collections import defaultdict
from itertools import islice, pairwise

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


def test_thoughts_are_planned_in_order_and_alike_in_every_run():
    pace = workload.Pace(gap_seconds=1.0)
    planned = workload.planned_thoughts(users=5, pace=pace, seconds=60.0)
    assert planned == workload.planned_thoughts(users=5, pace=pace, seconds=60.0)
    assert [turn.seconds for turn in planned] == sorted(turn.seconds for turn in planned)
    by_thought = defaultdict(list)
    for turn in planned:
        by_thought[turn.thought].append(turn)
    assert all(len({turn.user_id for turn in turns}) == 1 for turns in by_thought.values())
    assert all(turns[0].seconds < 60.0 for turns in by_thought.values())
    for user in {turn.user_id for turn in planned}:
        turns = [turn for turn in planned if turn.user_id == user]
        breaks = [b.seconds - a.seconds for a, b in pairwise(turns) if a.thought != b.thought]
        assert all(pause >= 20.0 for pause in breaks)


def test_without_time_no_thought_begins():
    assert workload.planned_thoughts(users=5, pace=workload.Pace(gap_seconds=1.0), seconds=0.0) == []
