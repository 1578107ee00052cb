"""Replaying gold facts: each call gets those of the turns that it shows."""

import json
from datetime import UTC, datetime

from harness.llm_server import GoldFact, LLMServer, Replay


def request(*lines: str) -> dict:
    return {"messages": [{"role": "user", "content": "Turns:\n" + "\n".join(lines)}]}


def facts(replay: Replay, *lines: str) -> list[dict]:
    return replay(request(*lines))["facts"]


def test_a_shown_turn_gets_its_facts_and_the_whole_turn_as_quote():
    replay = Replay()
    replay.add("I moved to Lisbon. It rains.", [GoldFact(text="Ana lives in Lisbon", attribute="lives_in")])

    answer = facts(
        replay,
        "[1] Ana (2023-05-08T13:56:00+00:00): i moved  to lisbon. It rains.",
        "[2] Bob (2023-05-08T13:57:00+00:00): Great!",
    )

    assert [(fact["text"], fact["attribute"]) for fact in answer] == [("Ana lives in Lisbon", "lives_in")]
    assert answer[0]["evidence"] == [{"turn": 1, "quote": "i moved  to lisbon. It rains."}]


def test_the_time_tells_equal_texts_apart():
    replay = Replay()
    replay.add("Thanks!", [GoldFact(text="May")], at=datetime(2023, 5, 8, 13, 56, tzinfo=UTC))
    replay.add("Thanks!", [GoldFact(text="June")], at="2023-06-08T13:56:00+00:00")

    assert [fact["text"] for fact in facts(replay, "[1] Ana (2023-06-08T14:56:00+01:00): Thanks!")] == ["June"]
    assert facts(replay, "[1] Ana (2024-06-08T14:56:00+01:00): Thanks!") == []


def test_a_turn_that_is_shown_in_pieces_gets_its_facts_and_one_piece_as_quote():
    replay = Replay()
    replay.add("First of all, tea. Then a lot more. Last of all, milk.", [GoldFact(text="Tea and milk")])
    replay.add("First of all, tea. Nothing else.", [GoldFact(text="Tea")])

    [fact] = facts(replay, "[1] assistant (13:56): First of all, tea. [...] Last of all, milk.")

    assert fact["text"] == "Tea and milk"
    assert fact["evidence"] == [{"turn": 1, "quote": "First of all, tea."}]
    assert facts(replay, "[1] assistant (13:56): Last of all, milk. [... code, 7 lines ...] First of all, tea.") == []


def test_the_time_tells_turns_apart_that_are_shown_by_the_same_pieces():
    replay = Replay()
    for place, month in enumerate((5, 6)):
        at = datetime(2023, month, 8, 13, 56, tzinfo=UTC)
        replay.add(f"First of all, tea. {month} more. Last of all, milk.", [GoldFact(text=f"Fact {place}")], at=at)

    [fact] = facts(replay, "2023-06-08 Thursday", "[1] assistant (13:56): First of all, tea. [...] Last of all, milk.")

    assert fact["text"] == "Fact 1"


def test_a_turn_without_a_time_has_that_of_the_line_before_or_some_minutes_later():
    replay = Replay()
    replay.add("Thanks!", [GoldFact(text="May")], at=datetime(2023, 5, 8, 14, 3, 20, tzinfo=UTC))
    replay.add("Thanks!", [GoldFact(text="June")], at=datetime(2023, 6, 8, 13, 56, tzinfo=UTC))
    lines = (
        "2023-05-08 Monday",
        "[1] Ana (13:56): Hi",
        "[2] Bob: Thanks!",
        "2023-06-08 Thursday",
        "[3] Bob (13:56): Thanks!",
    )

    answered = facts(replay, *lines)

    assert [(fact["text"], fact["evidence"][0]["turn"]) for fact in answered] == [("May", 2), ("June", 3)]


def test_two_sources_of_one_fact_give_one_fact_with_two_quotes():
    replay = Replay(first_sentence=True)
    for text in ("One. More.", "Two."):
        replay.add(text, [GoldFact(text="Both", name="f1")])

    answer = facts(replay, "[1] A (2023-06-08T14:56:00Z): One. More.", "[2] A (2023-06-08T14:56:00Z): Two.")

    assert len(answer) == 1
    assert answer[0]["evidence"] == [{"turn": 1, "quote": "One."}, {"turn": 2, "quote": "Two."}]
    assert replay.answered == 1


def test_a_replay_is_read_from_a_file_and_answers_through_a_server(tmp_path):
    file = tmp_path / "gold.jsonl"
    file.write_text(json.dumps({"turn": "Hi", "at": None, "facts": [{"text": "T", "topics": ["a"]}]}) + "\n")

    with LLMServer(answer=Replay.from_file(file)) as server:
        text = server.model._text(request("[1] A (2023-06-08T14:56:00Z): Hi"), "extract")

    assert json.loads(text)["facts"][0]["topics"] == ["a"]
