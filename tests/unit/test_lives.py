"""What the life of a statement is, when it fades, and how a plan reads after its day."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from afterturn import lives
from afterturn.lives import Life, Times


def at(text):
    return datetime.fromisoformat(text if "T" in text else f"{text}T12:00+00:00").astimezone(UTC)


def times(said="2023-04-01", since=None, until=None, first=None):
    return Times(
        valid_from=since and at(since),
        valid_to=until and at(until),
        said_at=at(said),
        first_said_at=first and at(first),
    )


@pytest.mark.parametrize(
    ("value", "life"),
    [
        *((life.value, life.value) for life in Life),
        (" Plan ", "plan"),
        (Life.STATE, "state"),
        ("permanent", None),
        ("", None),
        (None, None),
        (3, None),
        (["plan"], None),
    ],
)
def test_an_unreadable_life_is_none(value, life):
    assert lives.parse(value) == life


@pytest.mark.parametrize(
    ("category", "attribute", "until", "life"),
    [
        ("identity", "name", None, "lasting"),
        ("place", "lives_in", None, "lasting"),
        ("health", "allergic_to", None, "lasting"),
        ("preference", None, None, "lasting"),
        ("instruction", None, None, "lasting"),
        ("recommendation", None, None, "lasting"),
        ("other", None, None, "lasting"),
        ("a category of the settings", None, None, "lasting"),
        ("event", None, None, "event"),
        ("event", "likes", "2023-12-01", "event"),
        ("plan", None, None, "plan"),
        ("plan", "likes", "2023-12-01", "plan"),
        ("promise", None, None, "plan"),
        ("work", "plans_to_visit", None, "plan"),
        ("preference", "loves", None, "attitude"),
        ("relationship", "opinion_of_boss", None, "attitude"),
        ("health", "mood", None, "state"),
        ("work", "looking_for", None, "state"),
        ("work", "works_at", "2023-05-01", "state"),
        # The end was past when it was said, or on the same day: this tells of the past.
        ("work", "works_at", "2023-03-01", "lasting"),
        ("work", "worked_at", "2023-04-02T00:00+00:00", "lasting"),
    ],
)
def test_without_a_given_life_the_other_fields_decide(category, attribute, until, life):
    assert lives.find_life(None, category=category, attribute=attribute, times=times(until=until)) == life


@pytest.mark.parametrize("life", Life)
def test_a_given_life_counts_whatever_the_other_fields_are(life):
    assert lives.find_life(life.value, category="plan", attribute="likes", times=times()) is life


@pytest.mark.parametrize(
    ("life", "said", "fades"),
    [
        ("lasting", times(until="2023-05-01"), None),
        ("event", times(since="2012-05-01"), None),
        ("attitude", times(said="2003-04-01"), None),
        ("state", times(), "2023-09-28"),
        ("state", times(until="2023-04-20"), "2023-04-20"),
        ("state", times(until="2024-04-20"), "2024-04-20"),
        ("state", times(until="2023-03-01"), "2023-09-28"),
        # What is so by today does not end today.
        ("state", times(until="2023-04-02T00:00+00:00"), "2023-09-28"),
        ("plan", times(), "2023-09-28"),
        ("plan", times(since="2023-05-03T00:00+00:00"), "2023-10-31T00:00+00:00"),
        ("plan", times(since="2023-05-03T18:30+00:00"), "2023-10-31T18:30+00:00"),
        ("plan", times(since="2023-05-03", until="2023-05-06"), "2023-11-02"),
        ("plan", times(until="2023-05-06"), "2023-11-02"),
        # Today is still to come.
        ("plan", times(said="2023-04-02", since="2023-04-02T00:00+00:00"), "2023-09-30T00:00+00:00"),
        # The plan exists since then: it has no day.
        ("plan", times(since="2023-03-20"), "2023-09-28"),
        # A month; a year; midnight of another timezone.
        ("plan", times(since="2023-05-01T00:00+00:00"), "2023-11-28T00:00+00:00"),
        ("plan", times(since="2023-05-01T00:00-10:00"), "2023-11-28T10:00+00:00"),
        ("plan", times(since="2023-05-01T00:00+09:00"), "2023-11-27T15:00+00:00"),
        ("plan", times(since="2024-01-01T00:00+00:00"), "2025-06-30T00:00+00:00"),
        # Said again after its day.
        ("plan", times(said="2023-05-10", since="2023-05-03", first="2023-04-01"), "2023-11-06"),
    ],
)
def test_plans_and_states_fade(life, said, fades):
    assert lives.find_fade_time(Life(life), said) == (fades and at(fades))
    assert lives.find_fade_time(Life(life), said, is_from_person=True) is None


@pytest.mark.parametrize(
    ("life", "said", "now", "is_unknown"),
    [
        ("plan", times(since="2023-05-03T00:00+00:00"), "2023-05-03T23:59+00:00", False),
        ("plan", times(since="2023-05-03T00:00+00:00"), "2023-05-04T00:00+00:00", True),
        ("plan", times(since="2023-05-03", until="2023-05-09"), "2023-05-08", False),
        ("plan", times(), "2030-01-01", False),
        ("plan", times(since="2023-03-20"), "2030-01-01", False),
        ("event", times(since="2023-05-03"), "2030-01-01", False),
        (None, times(since="2023-05-03"), "2030-01-01", False),
    ],
)
def test_the_outcome_of_a_plan_is_unknown_after_its_day(life, said, now, is_unknown):
    assert lives.is_outcome_unknown(life, said, at(now)) is is_unknown


def test_without_a_turn_there_is_no_time_that_has_passed():
    assert not lives.is_outcome_unknown("plan", times(since="2023-05-03"), None)


@pytest.mark.parametrize(
    ("since", "until", "zone", "text"),
    [
        ("2023-05-03T00:00+00:00", None, "UTC", "planned for 3 May 2023; outcome unknown"),
        ("2023-05-02T22:00+00:00", None, "Europe/Lisbon", "planned for 2 May 2023; outcome unknown"),
        ("2023-05-02T23:00+00:00", None, "Europe/Lisbon", "planned for 3 May 2023; outcome unknown"),
        (None, "2023-05-07T00:00+00:00", "UTC", "planned for 6 May 2023; outcome unknown"),
        ("2023-05-03", "2023-05-06T00:00+00:00", "UTC", "planned for 3 May 2023 to 5 May 2023; outcome unknown"),
        ("2023-05-03T00:00+00:00", "2023-05-04T00:00+00:00", "UTC", "planned for 3 May 2023; outcome unknown"),
        ("2023-05-01T00:00+00:00", None, "UTC", "planned for May 2023; outcome unknown"),
        ("2024-01-01T00:00+00:00", None, "UTC", "planned for 2024; outcome unknown"),
    ],
)
def test_a_past_plan_names_its_day_in_the_timezone_of_the_user(since, until, zone, text):
    assert lives.describe_past_plan(since and at(since), until and at(until), ZoneInfo(zone)) == text


def test_a_plan_holds_since_it_was_said_and_everything_else_since_its_time():
    day, said = at("2023-05-03"), at("2023-04-01")
    assert lives.holds_since("plan", day, said) == said
    assert lives.holds_since("event", day, said) == day
    assert lives.holds_since("lasting", None, said) == said
