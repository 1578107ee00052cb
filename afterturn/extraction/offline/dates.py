"""Relative dates made absolute: "yesterday", said on 8 May 2023, is "on 7 May 2023"."""

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
class Dated:
    """A text with absolute dates, and the first period that it names."""

    text: str
    period: Period | None = None
    #: The word before it that says how it bounds the statement: "since", "until", "by", or none.
    bound: str = ""


def _count(match: re.Match[str]) -> int:
    count = match.group("count").lower()
    return int(count) if count.isdigit() else _COUNTS[count]


def _month_number(name: str) -> int:
    return [month[:3] for month in MONTHS].index(name.lower()[:3]) + 1


def _backwards(which: str, past: bool) -> bool:
    """Whether "last", "this" or "next" points back; "this" does as the tense does."""
    which = which.lower()
    return past if which == "this" else which in ("last", "this past")


def _day_of_year(match: re.Match[str], today: date, past: bool) -> Period:
    number, day_of_month = _month_number(match.group("month")), int(match.group("day"))
    if match.group("year"):
        return periods.day(date(int(match.group("year")), number, day_of_month))
    return periods.day(periods.nearest(today, number, day_of_month, past=past))


def _month_of_year(match: re.Match[str], today: date, past: bool) -> Period:
    if match.group("year"):
        return periods.month(int(match.group("year")), _month_number(match.group("month")))
    return periods.named_month(today, match.group("month").lower(), past=past)


def _rule(pattern: str, resolve: Resolve) -> tuple[re.Pattern[str], Resolve]:
    return re.compile(rf"\b(?P<bound>since |until |till |by |starting (?:on )?)?{pattern}\b", re.IGNORECASE), resolve


#: Absolute dates first: what later rules write must not be read again.
_RULES: tuple[tuple[re.Pattern[str], Resolve], ...] = (
    _rule(r"(?:on )?(?P<date>\d{4}-\d{2}-\d{2})", lambda m, t, p: periods.day(date.fromisoformat(m["date"]))),
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
        r"(?:in |(?<=since )|(?<=until )|(?<=by ))(?P<year>(?:19|20)\d\d)", lambda m, t, p: periods.year(int(m["year"]))
    ),
    _rule(r"the day before yesterday", lambda m, t, p: periods.day(t - timedelta(days=2))),
    _rule(r"the day after tomorrow", lambda m, t, p: periods.day(t + timedelta(days=2))),
    _rule(rf"yesterday{_PART}", lambda m, t, p: periods.day(t - timedelta(days=1), m["part"])),
    _rule(r"last (?P<part>night)", lambda m, t, p: periods.day(t - timedelta(days=1), m["part"])),
    _rule(rf"tomorrow{_PART}", lambda m, t, p: periods.day(t + timedelta(days=1), m["part"])),
    _rule(r"this (?P<part>morning|afternoon|evening)", lambda m, t, p: periods.day(t, m["part"])),
    _rule(r"(?:earlier )?today", lambda m, t, p: periods.day(t)),
    _rule(r"tonight", lambda m, t, p: periods.day(t, "night")),
    _rule(rf"{_COUNT} {_UNIT} ago", lambda m, t, p: periods.distance(t, -_count(m), m["unit"].lower())),
    _rule(
        rf"(?:in {_COUNT} {_UNIT}(?: time| from now)?(?! of\b)"
        rf"|{_COUNT.replace('count', 'count_')} {_UNIT.replace('unit', 'unit_')} from now)",
        lambda m, t, p: _hence(m, t),
    ),
    _rule(
        rf"(?:on )?(?P<which>last|this past|this|next|this coming) {_WEEKDAY_OR_SHORT}",
        lambda m, t, p: periods.weekday(t, m["weekday"].lower(), past=_backwards(m["which"], p)),
    ),
    _rule(
        rf"on {_WEEKDAY}(?! (?:mornings|evenings|nights|\d))",
        lambda m, t, p: periods.weekday(t, m["weekday"].lower(), past=p),
    ),
    _rule(
        rf"(?:in |during |over )?(?P<which>last|next|this past|this coming) {_SPAN}",
        lambda m, t, p: periods.span(t, m["span"].lower(), past=_backwards(m["which"], p)),
    ),
    _rule(
        r"(?P<span>this (?:week|month|year))",
        lambda m, t, p: periods.current(t, m["span"].lower().removeprefix("this ")),
    ),
    _rule(
        rf"(?:in )?(?P<which>last|this past|this|next) {_MONTH}",
        lambda m, t, p: periods.named_month(t, m["month"].lower(), past=_backwards(m["which"], p)),
    ),
)
_MAYBE = re.compile(
    r"\d{4}|\d (?:of )?[a-z]{3}|[a-z]{3}\.? \d|day\b|\bago\b|tonight|tomorrow|from now"
    r"|\b(?:in|since|until|by|last|next|this) [a-z0-9]",
    re.IGNORECASE,
)
_SO_FAR = re.compile(rf"\bfor {_COUNT} (?P<unit>month|year)s?\b", re.IGNORECASE)


def made_absolute(text: str, moment: datetime, *, past: bool) -> Dated:
    """Return `text` with its dates absolute, resolved against `moment` (a local time with zone).

    `past` says whether the statement is in the past tense: it decides which Friday "on Friday" is. Dates that do not
    exist (31 February) stay as they were said.
    """
    if not _MAYBE.search(text):
        return Dated(text=text)
    found: list[tuple[int, Period, str]] = []
    for pattern, resolve in _RULES:

        def replaced(match: re.Match[str], resolve: Resolve = resolve) -> str:
            try:
                period = _plausible(resolve(match, moment.date(), past))
            except (ValueError, OverflowError):
                return match.group()
            bound = match["bound"] or ""
            found.append((match.start(), period, bound.split()[0].lower() if bound else ""))
            return f"{bound}{_bare(period)}" if bound else period.words

        text = pattern.sub(replaced, text)
    if not found:
        return Dated(text=text)
    _, period, bound = min(found, key=lambda one: one[0])
    return Dated(text=text[0].upper() + text[1:], period=period, bound=bound)


def mention(text: str) -> tuple[int, int] | None:
    """Return where the first date of `text` begins and ends, without the word that bounds it; None if there is none."""
    found = [match for pattern, _ in _RULES if (match := pattern.search(text))]
    if not found:
        return None
    first = min(found, key=lambda match: (match.start(), -match.end()))
    return first.start() + len(first["bound"] or ""), first.end()


def so_far(text: str, moment: datetime) -> datetime | None:
    """Return since when, for "for three years" in `text`, counted back from `moment`."""
    match = _SO_FAR.search(text)
    if not match:
        return None
    try:
        return periods.distance(moment.date(), -_count(match), match["unit"].lower()).start(moment.tzinfo)
    except (ValueError, OverflowError):
        return None


def _plausible(period: Period) -> Period:
    """The period, unless its year is none that a person would speak of, or that a database could not hold."""
    if not 1000 <= period.first.year <= 2999:
        raise ValueError(f"year {period.first.year}")
    return period


def _bare(period: Period) -> str:
    return re.sub(r"^(?:on|in) ", "", period.words)


def _hence(match: re.Match[str], today: date) -> Period:
    count = (match["count"] or match["count_"]).lower()
    number = int(count) if count.isdigit() else _COUNTS[count]
    return periods.distance(today, number, (match["unit"] or match["unit_"]).lower())
