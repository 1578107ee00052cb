"""Reading the turns of an extraction call."""

from harness.llm_server import prompt


def shown(*lines: str) -> list[tuple[int, str, str, str]]:
    request = {"messages": [{"role": "user", "content": "\n".join(lines)}]}
    return [(turn.number, turn.speaker, turn.at, turn.content) for turn in prompt.shown_turns(request)]


def test_day_and_time_hold_until_others_are_shown():
    read = shown(
        "Timezone: Europe/Lisbon",
        "",
        "Turns:",
        "2023-05-08 Monday",
        "[1] Ana (23:50): Hi",
        "[2] Bob: Hello: there",
        "2023-05-09 Tuesday",
        "[3] Ana 13 (00:02): (13:56): so",
        "[4] (taken back)",
    )

    assert read == [
        (1, "Ana", "2023-05-08T23:50:00+01:00", "Hi"),
        (2, "Bob", "2023-05-08T23:50:00+01:00", "Hello: there"),
        (3, "Ana 13", "2023-05-09T00:02:00+01:00", "(13:56): so"),
    ]


def test_the_pieces_of_a_turn_are_what_stands_between_the_marks():
    turn = prompt.ShownTurn(1, "assistant", "", "One. [...] Two [3]. [... code, 7 lines, table, 9 lines ...] Three...")
    assert turn.pieces == ["One.", "Two [3].", "Three..."]
