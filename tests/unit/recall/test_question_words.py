"""What a question says: its stems, dates, and cursors that belong to it."""

from datetime import UTC, datetime

import numpy as np
import pytest

from afterturn.errors import InvalidInput
from afterturn.recall import cursor, dates, stems


def test_words_that_ask_and_names_of_speakers_do_not_count():
    assert stems.wanted(["when", "carolin", "paint", "sunris"], {"caroline"}) == ["paint", "sunris"]
    assert stems.wanted(["who"], set()) == ["who"]
    assert stems.wanted([], set()) == []
    assert len(stems.wanted([f"stem{number}" for number in range(1_000)], set())) == stems.MOST_STEMS


@pytest.mark.parametrize(
    ("question", "asks"),
    [("When did it rain?", True), ("how long is it", True), ("What did you do when it rained?", False)],
)
def test_questions_for_a_time(question, asks):
    assert stems.asks_for_a_time(question) is asks


def moment(year, month):
    return datetime(year, month, 15, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("question", "matches"),
    [
        ("in June 2023", [1, 0, 0]),
        ("last june", [1, 1, 0]),
        ("in 2023", [0.3, 0, 0.3]),
        ("May I ask?", [0, 0, 1]),
        ("what may it be", [0, 0, 0]),
        ("somehow", [0, 0, 0]),
    ],
)
def test_dates(question, matches):
    said_at = np.array([moment(2023, 6), moment(2022, 6), moment(2023, 5)])
    assert dates.named(question).matches(said_at).tolist() == matches


def test_a_cursor_is_good_for_its_question_only():
    asked, other = cursor.digest("tenant", "ana", "Where?"), cursor.digest("tenant", "ben", "Where?")
    assert cursor.decode(asked, cursor.encode(asked, 17)) == 17
    assert cursor.decode(asked, None) == 0
    with pytest.raises(InvalidInput, match="another"):
        cursor.decode(other, cursor.encode(asked, 17))


@pytest.mark.parametrize("given", ["", "x", "é", "====", "A" * 10_000, 7, b"AAAA"])
def test_what_is_no_cursor_is_refused(given):
    with pytest.raises(InvalidInput, match="cursor"):
        cursor.decode(cursor.digest("ana"), given)
