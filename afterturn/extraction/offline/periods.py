"""Stretches of days, and the calendar arithmetic that finds them from a day."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = tuple(name.lower() for name in calendar.month_name)[1:]
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A stretch of whole days, and how it is written."""

    first: date
    last: date
    #: With its preposition: "on 7 May 2023", "in 2022".
    words: str

    def start(self, zone: tzinfo | None) -> datetime:
        """Midnight at which the period begins in `zone`."""
        return datetime.combine(self.first, time(), zone)

    def end(self, zone: tzinfo | None) -> datetime:
        """Midnight at which the period is over in `zone`."""
        return datetime.combine(self.last + timedelta(days=1), time(), zone)


def written(day: date) -> str:
    """Return a day as it is written into facts: `7 May 2023`."""
    return f"{day.day} {calendar.month_name[day.month]} {day.year}"


def day(when: date, part: str | None = None) -> Period:
    """One day; `part` ("evening") is named where given."""
    words = f"on the {part} of {written(when)}" if part else f"on {written(when)}"
    return Period(first=when, last=when, words=words)


def month(year: int, number: int) -> Period:
    """A calendar month."""
    last = calendar.monthrange(year, number)[1]
    return Period(
        first=date(year, number, 1), last=date(year, number, last), words=f"in {calendar.month_name[number]} {year}"
    )


def year(number: int) -> Period:
    """A calendar year."""
    return Period(first=date(number, 1, 1), last=date(number, 12, 31), words=f"in {number}")


def week(when: date) -> Period:
    """The week, Monday to Sunday, that holds `when`."""
    monday = when - timedelta(days=when.weekday())
    return Period(first=monday, last=monday + timedelta(days=6), words=f"in the week of {written(monday)}")


def weekend(when: date) -> Period:
    """The Saturday and Sunday of the week that holds `when`."""
    saturday = when + timedelta(days=5 - when.weekday())
    return Period(first=saturday, last=saturday + timedelta(days=1), words=f"on the weekend of {written(saturday)}")


def weekday(today: date, name: str, *, past: bool) -> Period:
    """The nearest day called `name` before `today` (`past`) or after it."""
    wanted = [known[:3] for known in WEEKDAYS].index(name[:3])
    distance = -((today.weekday() - wanted - 1) % 7 + 1) if past else (wanted - today.weekday() - 1) % 7 + 1
    when = today + timedelta(days=distance)
    return Period(first=when, last=when, words=f"on {WEEKDAYS[wanted].capitalize()} {written(when)}")


def named_month(today: date, name: str, *, past: bool) -> Period:
    """The nearest month called `name` that is not after `today` (`past`), or not before it."""
    number = MONTHS.index(name) + 1
    if past:
        return month(today.year - (number > today.month), number)
    return month(today.year + (number < today.month), number)


def nearest(today: date, number: int, day_of_month: int, *, past: bool) -> date:
    """The nearest such day of the year that is not after `today` (`past`), or not before it."""
    for years in range(9):
        candidate_year = today.year - years if past else today.year + years
        # 29 February exists in every fourth year, and around 1900 and 2100 in every eighth.
        if day_of_month > calendar.monthrange(candidate_year, number)[1]:
            continue
        candidate = date(candidate_year, number, day_of_month)
        if (candidate <= today) if past else (candidate >= today):
            return candidate
    raise ValueError(f"no day {day_of_month} of month {number}")


def span(today: date, unit: str, *, past: bool) -> Period:
    """The week, weekend, month, year or season before `today` (`past`) or after it."""
    step = -1 if past else 1
    if unit == "week":
        return week(today + timedelta(days=7 * step))
    if unit == "weekend":
        return _nearest_weekend(today, past=past)
    if unit == "month":
        moved = shifted(today.replace(day=1), step, "month")
        return month(moved.year, moved.month)
    if unit == "year":
        return year(today.year + step)
    return _season(today, unit, past=past)


def current(today: date, unit: str) -> Period:
    """The week, month or year that holds `today`."""
    if unit == "week":
        return week(today)
    return month(today.year, today.month) if unit == "month" else year(today.year)


def distance(today: date, count: int, unit: str) -> Period:
    """What lies `count` units from `today` (before it when negative), as exactly as the unit says it."""
    moved = shifted(today, count, unit)
    if unit == "day":
        return day(moved)
    if unit == "week":
        return Period(first=moved, last=moved, words=f"around {written(moved)}")
    return month(moved.year, moved.month) if unit == "month" else year(moved.year)


def shifted(when: date, count: int, unit: str) -> date:
    """Return the day `count` units from `when`; a day that its month does not have becomes the month's last."""
    if unit in ("day", "week"):
        return when + timedelta(days=count * (7 if unit == "week" else 1))
    months = when.year * 12 + when.month - 1 + count * (12 if unit == "year" else 1)
    number = months % 12 + 1
    return date(months // 12, number, min(when.day, calendar.monthrange(months // 12, number)[1]))


def _nearest_weekend(today: date, *, past: bool) -> Period:
    this = weekend(today)
    if past:
        return this if this.last < today else weekend(today - timedelta(days=7))
    return weekend(today + timedelta(days=7)) if today.weekday() >= 5 else this


def _season(today: date, name: str, *, past: bool) -> Period:
    begins = _SEASONS[name]
    first_year = today.year - (begins >= today.month) if past else today.year + (begins <= today.month)
    last = shifted(date(first_year, begins, 1), 3, "month") - timedelta(days=1)
    return Period(first=date(first_year, begins, 1), last=last, words=f"in the {name} of {first_year}")
