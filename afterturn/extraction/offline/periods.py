"""Periods of whole days, and calendar arithmetic."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = tuple(name.lower() for name in calendar.month_name)[1:]
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A period of whole days with its wording."""

    first: date
    last: date
    #: With its preposition: "on 7 May 2023", "in 2022".
    words: str

    def start(self, zone: tzinfo | None) -> datetime:
        """Return the midnight at which the period starts in a timezone."""
        return datetime.combine(self.first, time(), zone)

    def end(self, zone: tzinfo | None) -> datetime:
        """Return the midnight at which the period ends in a timezone."""
        return datetime.combine(self.last + timedelta(days=1), time(), zone)


def format_day(day: date) -> str:
    """Return a day in the format of facts: `7 May 2023`."""
    return f"{day.day} {calendar.month_name[day.month]} {day.year}"


def day(when: date, part: str | None = None) -> Period:
    """Return the period of one day, or of a part of it ("evening")."""
    words = f"on the {part} of {format_day(when)}" if part else f"on {format_day(when)}"
    return Period(first=when, last=when, words=words)


def month(year: int, number: int) -> Period:
    """Return the period of a calendar month."""
    last = calendar.monthrange(year, number)[1]
    return Period(
        first=date(year, number, 1), last=date(year, number, last), words=f"in {calendar.month_name[number]} {year}"
    )


def year(number: int) -> Period:
    """Return the period of a calendar year."""
    return Period(first=date(number, 1, 1), last=date(number, 12, 31), words=f"in {number}")


def week(when: date) -> Period:
    """Return the week, from Monday to Sunday, that contains a day."""
    monday = when - timedelta(days=when.weekday())
    return Period(first=monday, last=monday + timedelta(days=6), words=f"in the week of {format_day(monday)}")


def weekend(when: date) -> Period:
    """Return Saturday and Sunday of the week that contains a day."""
    saturday = when + timedelta(days=5 - when.weekday())
    return Period(first=saturday, last=saturday + timedelta(days=1), words=f"on the weekend of {format_day(saturday)}")


def nearest_weekday(today: date, name: str, *, is_past: bool) -> Period:
    """Return the nearest weekday with a name before (`is_past`) or after today."""
    weekday = [weekday_name[:3] for weekday_name in WEEKDAYS].index(name[:3])
    days = -((today.weekday() - weekday - 1) % 7 + 1) if is_past else (weekday - today.weekday() - 1) % 7 + 1
    when = today + timedelta(days=days)
    return Period(first=when, last=when, words=f"on {WEEKDAYS[weekday].capitalize()} {format_day(when)}")


def nearest_month(today: date, name: str, *, is_past: bool) -> Period:
    """Return the nearest month with a name that is not after (`is_past`) or not before the current month."""
    number = MONTHS.index(name) + 1
    if is_past:
        return month(today.year - (number > today.month), number)
    return month(today.year + (number < today.month), number)


def nearest_day_of_year(today: date, number: int, day_of_month: int, *, is_past: bool) -> date:
    """Return the nearest day with a month and day of month that is not after (`is_past`) or not before today."""
    for years in range(9):
        candidate_year = today.year - years if is_past else today.year + years
        # 29 February exists every fourth year; around 1900 and 2100 there are eight years between two of them.
        if day_of_month > calendar.monthrange(candidate_year, number)[1]:
            continue
        candidate = date(candidate_year, number, day_of_month)
        if (candidate <= today) if is_past else (candidate >= today):
            return candidate
    raise ValueError(f"no day {day_of_month} of month {number}")


def adjacent_period(today: date, unit: str, *, is_past: bool) -> Period:
    """Return the week, weekend, month, year or season before (`is_past`) or after the current one."""
    step = -1 if is_past else 1
    if unit == "week":
        return week(today + timedelta(days=7 * step))
    if unit == "weekend":
        return _nearest_weekend(today, is_past=is_past)
    if unit == "month":
        shifted = shift_day(today.replace(day=1), step, "month")
        return month(shifted.year, shifted.month)
    if unit == "year":
        return year(today.year + step)
    return _season(today, unit, is_past=is_past)


def current_period(today: date, unit: str) -> Period:
    """Return the week, month or year that contains today."""
    if unit == "week":
        return week(today)
    return month(today.year, today.month) if unit == "month" else year(today.year)


def period_at_distance(today: date, count: int, unit: str) -> Period:
    """Return the period `count` units after today (before it if negative), with the precision of the unit."""
    shifted = shift_day(today, count, unit)
    if unit == "day":
        return day(shifted)
    if unit == "week":
        return Period(first=shifted, last=shifted, words=f"around {format_day(shifted)}")
    return month(shifted.year, shifted.month) if unit == "month" else year(shifted.year)


def shift_day(when: date, count: int, unit: str) -> date:
    """Return the day `count` units after a day. If the month has no such day, it is the last day of the month."""
    if unit in ("day", "week"):
        return when + timedelta(days=count * (7 if unit == "week" else 1))
    months = when.year * 12 + when.month - 1 + count * (12 if unit == "year" else 1)
    number = months % 12 + 1
    return date(months // 12, number, min(when.day, calendar.monthrange(months // 12, number)[1]))


def _nearest_weekend(today: date, *, is_past: bool) -> Period:
    this = weekend(today)
    if is_past:
        return this if this.last < today else weekend(today - timedelta(days=7))
    return weekend(today + timedelta(days=7)) if today.weekday() >= 5 else this


def _season(today: date, name: str, *, is_past: bool) -> Period:
    begins = _SEASONS[name]
    first_year = today.year - (begins >= today.month) if is_past else today.year + (begins <= today.month)
    last = shift_day(date(first_year, begins, 1), 3, "month") - timedelta(days=1)
    return Period(first=date(first_year, begins, 1), last=last, words=f"in the {name} of {first_year}")
