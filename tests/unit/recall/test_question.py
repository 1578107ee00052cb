"""The stems and dates of a question, and the cursors of its search."""

from datetime import UTC, datetime

import numpy as np
import pytest

from afterturn.errors import InvalidInput
from afterturn.recall import cursor, question_dates, stems


def test_question_words_and_names_of_speakers_are_not_part_of_the_topic():
    def topic(words, names=frozenset()):
        return [word.stem for word in stems.topic_words(list(map(stems.word_of_stem, words)), names)]

    assert topic(["when", "carolin", "paint", "sunris"], {"caroline"}) == ["paint", "sunris"]
    assert topic(["who"]) == ["who"]
    assert topic([]) == []
    assert len(topic([f"stem{number}" for number in range(1_000)])) == stems.MAX_QUESTION_STEMS


@pytest.mark.parametrize(
    ("question", "is_time_question"),
    [("When did it rain?", True), ("how long is it", True), ("What did you do when it rained?", False)],
)
def test_time_questions_are_recognised_by_their_first_words(question, is_time_question):
    assert stems.is_time_question(question) is is_time_question


def moment(year, month):
    return datetime(year, month, 15, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("question", "scores"),
    [
        ("in June 2023", [1, 0, 0]),
        ("last june", [1, 1, 0]),
        ("in 2023", [0.3, 0, 0.3]),
        ("May I ask?", [0, 0, 1]),
        ("what may it be", [0, 0, 0]),
        ("somehow", [0, 0, 0]),
    ],
)
def test_times_in_the_months_and_years_of_a_question_match(question, scores):
    said_at = np.array([moment(2023, 6), moment(2022, 6), moment(2023, 5)])
    assert question_dates.find_dates(question).match_scores(said_at).tolist() == scores


def test_a_cursor_is_valid_for_its_search_only():
    digest, other = cursor.digest_search("tenant", "ana", "Where?"), cursor.digest_search("tenant", "ben", "Where?")
    assert cursor.decode(digest, cursor.encode(digest, 17)) == 17
    assert cursor.decode(digest, None) == 0
    with pytest.raises(InvalidInput, match="another"):
        cursor.decode(other, cursor.encode(digest, 17))


@pytest.mark.parametrize("given", ["", "x", "é", "====", "A" * 10_000, 7, b"AAAA"])
def test_a_value_that_is_not_a_cursor_is_rejected(given):
    with pytest.raises(InvalidInput, match="cursor"):
        cursor.decode(cursor.digest_search("ana"), given)
