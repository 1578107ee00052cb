"""Which lines of a profile say the same, and which only look alike."""

import pytest

from afterturn.summaries import profile, same_lines
from afterturn.summaries.profile import ProfileLine


@pytest.mark.parametrize(
    ("one", "other", "fuller"),
    [
        ("Ana lost her job.", "Ana lost her job in January 2023.", 1),
        ("Ana lost her job at Acme.", "Ana lost her job.", 0),
        ("Ana is starting a dance studio.", "Ana started a dance studio.", 1),
        ("Ana has a dance studio.", "Ana has a small dance studio.", 1),
        ("Ana drinks tea.", "ANA drinks  tea", 1),
        ("Ana likes tea.", "Ana likes tea no longer.", None),
        ("Ana likes tea.", "Ana does not like tea.", None),
        ("Ana works at Acme.", "Ana's sister works at Acme.", None),
        ("Ana works at Acme.", "Ana thinks that Rui works at Acme.", None),
        ("Ana ran 10 km.", "Ana ran 12 km.", None),
        ("Ana has two cats.", "Ana has three cats.", None),
        ("Ana's sister Rita lives in Porto.", "Ana's brother Rui lives in Porto.", None),
        ("Ana plays the piano.", "Ana plays chess.", None),
        ("Ana lives in Porto.", "Ana lives in Faro.", None),
    ],
)
def test_the_fuller_of_two_lines(one, other, fuller):
    expected = None if fuller is None else (one, other)[fuller]
    assert same_lines.find_fuller(one, other) == expected
    assert (same_lines.find_fuller(other, one) is None) == (expected is None)


def lines(*texts):
    return [ProfileLine(fact_id=number, text=text) for number, text in enumerate(texts)]


def test_the_fuller_line_takes_the_place_of_the_first():
    given = lines("Ana lost her job.", "Ana drinks tea.", "Ana lost her job in January 2023.")
    assert [line.fact_id for line in profile.select_lines(given, limit_tokens=100)] == [2, 1]


def test_a_fuller_line_without_room_leaves_the_poorer_one():
    given = lines("Ana lost her job.", "Ana lost her job in January 2023, when the bank closed all of its branches.")
    assert [line.fact_id for line in profile.select_lines(given, limit_tokens=8)] == [0]
