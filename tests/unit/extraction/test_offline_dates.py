"""Relative dates are resolved against the time of the turn in the timezone of the user."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from afterturn.extraction.offline import relative_dates
from tests.unit.extraction.offline_batch import SPOKEN_AT, extract, turn


@pytest.mark.parametrize(
    ("said", "is_past", "resolved", "first_day"),
    [
        ("I ran yesterday", True, "I ran on 7 May 2023", date(2023, 5, 7)),
        ("I ran the day before yesterday", True, "I ran on 6 May 2023", date(2023, 5, 6)),
        ("I run tomorrow", False, "I run on 9 May 2023", date(2023, 5, 9)),
        ("I ran last night", True, "I ran on the night of 7 May 2023", date(2023, 5, 7)),
        ("I ran this morning", True, "I ran on the morning of 8 May 2023", date(2023, 5, 8)),
        ("I ran last Friday", True, "I ran on Friday 5 May 2023", date(2023, 5, 5)),
        ("I ran last Monday", True, "I ran on Monday 1 May 2023", date(2023, 5, 1)),
        ("I ran on Friday", True, "I ran on Friday 5 May 2023", date(2023, 5, 5)),
        ("I run on Friday", False, "I run on Friday 12 May 2023", date(2023, 5, 12)),
        ("I ran last week", True, "I ran in the week of 1 May 2023", date(2023, 5, 1)),
        ("I ran last weekend", True, "I ran on the weekend of 6 May 2023", date(2023, 5, 6)),
        ("I run next month", False, "I run in June 2023", date(2023, 6, 1)),
        ("I ran last year", True, "I ran in 2022", date(2022, 1, 1)),
        ("I ran last summer", True, "I ran in the summer of 2022", date(2022, 6, 1)),
        ("I ran three days ago", True, "I ran on 5 May 2023", date(2023, 5, 5)),
        ("I ran three years ago", True, "I ran in 2020", date(2020, 1, 1)),
        ("I run in two weeks", False, "I run around 22 May 2023", date(2023, 5, 22)),
        ("I run on 3 June", False, "I run on 3 June 2023", date(2023, 6, 3)),
        ("I run on 3 May", False, "I run on 3 May 2024", date(2024, 5, 3)),
        ("I ran on May 3rd", True, "I ran on 3 May 2023", date(2023, 5, 3)),
        ("I ran in June", True, "I ran in June 2022", date(2022, 6, 1)),
        ("I run on 29 February", False, "I run on 29 February 2024", date(2024, 2, 29)),
        ("I ran on 29 February", True, "I ran on 29 February 2020", date(2020, 2, 29)),
        ("I ran on 2023-04-30", True, "I ran on 30 April 2023", date(2023, 4, 30)),
        ("I run since March", True, "I run since March 2023", date(2023, 3, 1)),
    ],
)
def test_a_relative_date_becomes_absolute(said: str, is_past: bool, resolved: str, first_day: date) -> None:
    dated = relative_dates.resolve_dates(said, SPOKEN_AT, is_past=is_past)
    assert dated.text == resolved
    assert dated.period is not None
    assert dated.period.first == first_day


@pytest.mark.parametrize(
    "said", ["I run on 31 February", "I run in 999 years", "I ran 9999-99-99", "I may run 3 marathons"]
)
def test_words_that_are_not_a_date_do_not_change(said: str) -> None:
    assert relative_dates.resolve_dates(said, SPOKEN_AT, is_past=False).text == said


@pytest.mark.parametrize(
    ("spoken_at", "said", "resolved"),
    [
        (datetime(2024, 3, 1, 12, tzinfo=UTC), "I ran yesterday", "I ran on 29 February 2024"),
        (datetime(2023, 3, 1, 12, tzinfo=UTC), "I ran yesterday", "I ran on 28 February 2023"),
        (datetime(2024, 2, 29, 12, tzinfo=UTC), "I ran a year ago", "I ran in 2023"),
        (datetime(2024, 3, 31, 12, tzinfo=UTC), "I ran last month", "I ran in February 2024"),
        (datetime(2024, 1, 1, 12, tzinfo=UTC), "I ran yesterday", "I ran on 31 December 2023"),
    ],
)
def test_leap_days_and_the_end_of_a_year_are_respected(spoken_at: datetime, said: str, resolved: str) -> None:
    assert relative_dates.resolve_dates(said, spoken_at, is_past=True).text == resolved


def test_yesterday_is_relative_to_the_timezone_of_the_user() -> None:
    half_past_midnight_in_tokyo = datetime(2023, 5, 8, 15, 30, tzinfo=UTC)
    spoken = turn("I ran a marathon yesterday.", at=half_past_midnight_in_tokyo)
    (in_tokyo,) = extract(spoken, timezone="Asia/Tokyo").facts
    (in_utc,) = extract(spoken).facts
    assert in_tokyo.text == "Ana ran a marathon on 8 May 2023."
    assert in_tokyo.valid_from == datetime(2023, 5, 7, 15, tzinfo=UTC)
    assert in_utc.text == "Ana ran a marathon on 7 May 2023."


def test_an_unknown_timezone_is_replaced_by_utc() -> None:
    (fact,) = extract(turn("I ran a marathon yesterday."), timezone="Mars/Olympus").facts
    assert fact.valid_from == datetime(2023, 5, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "valid_from", "valid_to"),
    [
        ("I ran a marathon yesterday.", datetime(2023, 5, 7, tzinfo=UTC), None),
        ("I have worked at Acme since 2019.", datetime(2019, 1, 1, tzinfo=UTC), None),
        ("I have worked at Acme for three years.", datetime(2020, 1, 1, tzinfo=UTC), None),
        ("I'm flying to Oslo on 3 June.", None, datetime(2023, 6, 4, tzinfo=UTC)),
        ("I was a teacher until 2015.", None, datetime(2016, 1, 1, tzinfo=UTC)),
        ("I used to live in Rome.", None, SPOKEN_AT),
        ("My birthday is 29 February.", None, None),
        ("I live in Lisbon.", None, None),
    ],
)
def test_dates_give_the_validity_of_a_fact(said: str, valid_from: datetime | None, valid_to: datetime | None) -> None:
    (fact,) = extract(turn(said)).facts
    assert (fact.valid_from, fact.valid_to) == (valid_from, valid_to)
