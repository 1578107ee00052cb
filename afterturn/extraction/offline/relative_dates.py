"""Resolve relative dates: "yesterday", said on 8 May 2023, is "on 7 May 2023"."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from afterturn.extraction.offline import periods
from afterturn.extraction.offline.periods import MONTHS, WEEKDAYS, Period

_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_COUNTS = {word: number for number, word in enumerate(_NUMBERS, start=1)} | {
    "a": 1,
    "an": 1,
    "a couple of": 2,
    "couple of": 2,
    "fifteen": 15,
    "twenty": 20,
    "thirty": 30,
}
_COUNT = rf"(?P<count>\d{{1,3}}|a couple of|couple of|an?|{'|'.join(_NUMBERS)}|fifteen|twenty|thirty)"
_UNIT = r"(?P<unit>day|week|month|year)s?"
_MONTH = rf"(?P<month>{'|'.join(MONTHS)})"
_MONTH_OR_SHORT = rf"(?P<month>{'|'.join(MONTHS)}|{'|'.join(name[:3] for name in MONTHS)}|sept)\.?"
_WEEKDAY_OR_SHORT = rf"(?P<weekday>{'|'.join(WEEKDAYS)}|mon|tues?|wed|thu(?:rs?)?|fri|sat|sun)"
_WEEKDAY = rf"(?P<weekday>{'|'.join(WEEKDAYS)})"
_PART = r"(?: (?P<part>morning|afternoon|evening|night))?"
_SPAN = r"(?P<span>weekend|week|month|year|spring|summer|autumn|fall|winter)"

Resolve = Callable[[re.Match[str], date, bool], Period]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedText:
    """A text with absolute dates, and its first period."""

    text: str
    period: Period | None = None
    #: The word before the period that makes it a bound: "since", "until", "by"; else empty.
    bound: str = ""


def _count(match: re.Match[str]) -> int:
    count = match.group("count").lower()
    return int(count) if count.isdigit() else _COUNTS[count]


def _month_number(name: str) -> int:
    return [month[:3] for month in MONTHS].index(name.lower()[:3]) + 1


def _refers_to_past(which: str, is_past: bool) -> bool:
    """Return whether "last", "this" or "next" refers to the past. For "this" the tense decides."""
    which = which.lower()
    return is_past if which == "this" else which in ("last", "this past")


def _day_of_year(match: re.Match[str], today: date, is_past: bool) -> Period:
    number, day_of_month = _month_number(match.group("month")), int(match.group("day"))
    if match.group("year"):
        return periods.day(date(int(match.group("year")), number, day_of_month))
    return periods.day(periods.nearest_day_of_year(today, number, day_of_month, is_past=is_past))


def _month_of_year(match: re.Match[str], today: date, is_past: bool) -> Period:
    if match.group("year"):
        return periods.month(int(match.group("year")), _month_number(match.group("month")))
    return periods.nearest_month(today, match.group("month").lower(), is_past=is_past)


def _rule(pattern: str, resolve: Resolve) -> tuple[re.Pattern[str], Resolve]:
    return re.compile(rf"\b(?P<bound>since |until |till |by |starting (?:on )?)?{pattern}\b", re.IGNORECASE), resolve


#: Absolute dates come first, because the results of later rules must not be parsed again.
_RULES: tuple[tuple[re.Pattern[str], Resolve], ...] = (
    _rule(
        r"(?:on )?(?P<date>\d{4}-\d{2}-\d{2})",
        lambda match, today, is_past: periods.day(date.fromisoformat(match["date"])),
    ),
    _rule(
        rf"(?:on )?(?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd"
        rf"|th)?(?: of)? {_MONTH_OR_SHORT}(?:,? (?P<year>\d{{4}}))?",
        _day_of_year,
    ),
    _rule(
        rf"(?:on )?{_MONTH_OR_SHORT} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])(?:,? (?P<year>\d{{4}}))?", _day_of_year
    ),
    _rule(rf"(?:in |(?<=since )|(?<=until )|(?<=by )){_MONTH}(?:,? (?P<year>\d{{4}}))?(?! \d)", _month_of_year),
    _rule(
        r"(?:in |(?<=since )|(?<=until )|(?<=by ))(?P<year>(?:19|20)\d\d)",
        lambda match, today, is_past: periods.year(int(match["year"])),
    ),
    _rule(r"the day before yesterday", lambda match, today, is_past: periods.day(today - timedelta(days=2))),
    _rule(r"the day after tomorrow", lambda match, today, is_past: periods.day(today + timedelta(days=2))),
    _rule(rf"yesterday{_PART}", lambda match, today, is_past: periods.day(today - timedelta(days=1), match["part"])),
    _rule(r"last (?P<part>night)", lambda match, today, is_past: periods.day(today - timedelta(days=1), match["part"])),
    _rule(rf"tomorrow{_PART}", lambda match, today, is_past: periods.day(today + timedelta(days=1), match["part"])),
    _rule(r"this (?P<part>morning|afternoon|evening)", lambda match, today, is_past: periods.day(today, match["part"])),
    _rule(r"(?:earlier )?today", lambda match, today, is_past: periods.day(today)),
    _rule(r"tonight", lambda match, today, is_past: periods.day(today, "night")),
    _rule(
        rf"{_COUNT} {_UNIT} ago",
        lambda match, today, is_past: periods.period_at_distance(today, -_count(match), match["unit"].lower()),
    ),
    _rule(
        rf"(?:in {_COUNT} {_UNIT}(?: time| from now)?(?! of\b)"
        rf"|{_COUNT.replace('count', 'count_')} {_UNIT.replace('unit', 'unit_')} from now)",
        lambda match, today, is_past: _period_from_now(match, today),
    ),
    _rule(
        rf"(?:on )?(?P<which>last|this past|this|next|this coming) {_WEEKDAY_OR_SHORT}",
        lambda match, today, is_past: periods.nearest_weekday(
            today, match["weekday"].lower(), is_past=_refers_to_past(match["which"], is_past)
        ),
    ),
    _rule(
        rf"on {_WEEKDAY}(?! (?:mornings|evenings|nights|\d))",
        lambda match, today, is_past: periods.nearest_weekday(today, match["weekday"].lower(), is_past=is_past),
    ),
    _rule(
        rf"(?:in |during |over )?(?P<which>last|next|this past|this coming) {_SPAN}",
        lambda match, today, is_past: periods.adjacent_period(
            today, match["span"].lower(), is_past=_refers_to_past(match["which"], is_past)
        ),
    ),
    _rule(
        r"(?P<span>this (?:week|month|year))",
        lambda match, today, is_past: periods.current_period(today, match["span"].lower().removeprefix("this ")),
    ),
    _rule(
        rf"(?:in )?(?P<which>last|this past|this|next) {_MONTH}",
        lambda match, today, is_past: periods.nearest_month(
            today, match["month"].lower(), is_past=_refers_to_past(match["which"], is_past)
        ),
    ),
)
_MAY_CONTAIN_DATE = re.compile(
    r"\d{4}|\d (?:of )?[a-z]{3}|[a-z]{3}\.? \d|day\b|\bago\b|tonight|tomorrow|from now"
    r"|\b(?:in|since|until|by|last|next|this) [a-z0-9]",
    re.IGNORECASE,
)
_DURATION = re.compile(rf"\bfor {_COUNT} (?P<unit>month|year)s?\b", re.IGNORECASE)


def resolve_dates(text: str, spoken_at: datetime, *, is_past: bool) -> DatedText:
    """Return a text with absolute dates. Dates that do not exist (31 February) do not change.

    Args:
        text: a statement.
        spoken_at: when it was said, in the timezone of the user.
        is_past: whether it is in the past tense; that decides which Friday "on Friday" is.
    """
    if not _MAY_CONTAIN_DATE.search(text):
        return DatedText(text=text)
    periods_found: list[tuple[int, Period, str]] = []
    for pattern, resolve in _RULES:

        def replace_date(match: re.Match[str], resolve: Resolve = resolve) -> str:
            try:
                period = _plausible(resolve(match, spoken_at.date(), is_past))
            except (ValueError, OverflowError):
                return match.group()
            bound = match["bound"] or ""
            periods_found.append((match.start(), period, bound.split()[0].lower() if bound else ""))
            return f"{bound}{_without_preposition(period)}" if bound else period.words

        text = pattern.sub(replace_date, text)
    if not periods_found:
        return DatedText(text=text)
    _, period, bound = min(periods_found, key=lambda item: item[0])
    return DatedText(text=text[0].upper() + text[1:], period=period, bound=bound)


def find_date(text: str) -> tuple[int, int] | None:
    """Return start and end of the first date in a text, without a bound such as "since"; None if there is no date."""
    matches = [match for pattern, _ in _RULES if (match := pattern.search(text))]
    if not matches:
        return None
    first = min(matches, key=lambda match: (match.start(), -match.end()))
    return first.start() + len(first["bound"] or ""), first.end()


def start_of_duration(text: str, spoken_at: datetime) -> datetime | None:
    """Return the start of a duration such as "for three years" that ends now; None if the text contains none."""
    match = _DURATION.search(text)
    if not match:
        return None
    try:
        return periods.period_at_distance(spoken_at.date(), -_count(match), match["unit"].lower()).start(
            spoken_at.tzinfo
        )
    except (ValueError, OverflowError):
        return None


def _plausible(period: Period) -> Period:
    """Return the period. Raises ValueError for a year that nobody speaks of or that a database cannot store."""
    if not 1000 <= period.first.year <= 2999:
        raise ValueError(f"year {period.first.year}")
    return period


def _without_preposition(period: Period) -> str:
    return re.sub(r"^(?:on|in) ", "", period.words)


def _period_from_now(match: re.Match[str], today: date) -> Period:
    count = (match["count"] or match["count_"]).lower()
    number = int(count) if count.isdigit() else _COUNTS[count]
    return periods.period_at_distance(today, number, (match["unit"] or match["unit_"]).lower())
