"""The details of a statement: its numbers, dates, units, names and denial. They must survive a merge.

`text_comparison` says whether the details of two statements differ. This module says how: they exclude each other (10
km and 12 km), or one statement says more than the other (10 km, and 10 km on 5 May).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache

from afterturn.consolidation import text_comparison
from afterturn.consolidation.guards import Guard
from afterturn.extraction.verification import normalise
from afterturn.languages import detection, month_names, segmentation, stop_words

#: Statements whose details are remembered. Each is compared with several others.
_REMEMBERED = 4_096
_ISO_DATE = re.compile(r"\b((?:19|20)\d\d)[-/](\d{1,2})(?:[-/](\d{1,2}))?\b")
#: Between the digits of a number: 1,000 and 1000 are the same.
_THOUSANDS = re.compile(r"(?<=\d)[,'\u00a0\u2009\u202f](?=\d{3}(?!\d))")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_CJK_DAY = re.compile(r"(?<!\d)(\d{1,2})\s?[日일号]")
_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th|\.|º|er)?")
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W\d_]+)?")
#: Between the number of a day and its month: "7 de maio", "the 7th of May".
_BEFORE_MONTH = frozenset({"of", "de", "d", "di", "del", "den"})
#: The weekdays of several languages: a word on the same line is the same day.
_WEEKDAY_NAMES = """
    monday segunda-feira segunda lunes lundi montag lunedì maandag måndag mandag poniedziałek понедельник pazartesi
    tuesday terça-feira terça martes mardi dienstag martedì dinsdag tisdag tirsdag wtorek вторник sal\u0131
    wednesday quarta-feira quarta miércoles mercredi mittwoch mercoledì woensdag onsdag środa среда среду çarşamba
    thursday quinta-feira quinta jueves jeudi donnerstag giovedì donderdag torsdag czwartek четверг perşembe
    friday sexta-feira sexta viernes vendredi freitag venerdì vrijdag fredag piątek пятница пятницу cuma
    saturday sábado samedi samstag sonnabend sabato zaterdag lördag lørdag sobota суббота субботу cumartesi
    sunday domingo dimanche sonntag domenica zondag söndag søndag niedziela воскресенье
"""
_WEEKDAYS = {
    name: line.split()[0] for line in _WEEKDAY_NAMES.strip().splitlines() for name in line.split() if len(name) > 1
}
#: English words of `text_comparison.NUMBER_WORDS` that are parts of dates here.
_DATE_WORDS = {*_WEEKDAYS} | text_comparison.word_set(
    "january february march april may june july august september october november december"
)
#: Words of other languages that deny. In these, two of them do not make a "yes".
_FOREIGN_NEGATIONS = text_comparison.word_set("""
    não nunca jamais nem ninguém nada nenhum nenhuma jamás nadie ningún ninguna sin sem ne pas aucun aucune sans nicht
    kein keine keinen keinem keiner nie niemals ohne non mai nessun nessuna senza niet geen nooit zonder inte aldrig
    ingen ikke aldri не нет никогда без нельзя değil hiç yok nem nincs
""")
_FOREIGN_NEGATION_SIGNS = re.compile("[不没沒非未]|ない|ません|なかった|않|못하|없")
#: Languages that are often written without a letter that ASCII lacks.
_ASCII_LANGUAGES = ("en", "es", "fr", "pt", "de", "it", "nl", "tr", "id")
#: Between the clauses of a statement.
_CONJUNCTIONS = (
    "and but because although while since so und aber weil obwohl y pero porque aunque e mas embora et mais parce "
    "car ma perché en maar omdat och men och fordi ve ama и но потому"
)
_CLAUSE_END = re.compile(rf"[,;:.!?](?:\s+|$)|\s+(?:{'|'.join(_CONJUNCTIONS.split())})\s+|[\uff0c\uff1b\u3002\u3001]")
#: Words that a fuller wording need not repeat.
_LIGHT_WORDS = text_comparison.FUNCTION_WORDS | text_comparison.word_set("""
    own get gets got getting become becomes became one some any there then so just been into about who which where when
    says said mentions mentioned tells told
""")
#: Words match if they share a beginning of so many letters, and all but so many letters of the shorter one.
_SHARED_LETTERS = 4
_ENDING_LETTERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """The details of one statement."""

    #: Each part of a date: "year 2023", "month 1", "day 7", "weekday monday".
    dates: frozenset[str]
    numbers: frozenset[str]
    units: frozenset[str]
    #: In lower case.
    names: frozenset[str]
    is_negated: bool


def find_conflict(one: str, other: str) -> Guard | None:
    """Return the kind of detail by which two statements exclude each other: each has its own; None if they do not."""
    first, second = read_details(one), read_details(other)
    if _exclude_by_date(first.dates, second.dates):
        return Guard.DATES
    if first.numbers - second.numbers and second.numbers - first.numbers:
        return Guard.NUMBERS
    if first.units - second.units and second.units - first.units:
        return Guard.UNITS
    if first.is_negated != second.is_negated:
        return Guard.NEGATION
    return Guard.NAMES if _have_names_in_one_place(one, other) else None


def has_details_of(fuller: str, poorer: str) -> bool:
    """Return whether every number, date, unit, name and denial of `poorer` is in `fuller`."""
    first, second = read_details(fuller), read_details(poorer)
    return (
        second.dates <= first.dates
        and second.numbers <= first.numbers
        and second.units <= first.units
        and first.is_negated == second.is_negated
        and all(_is_among(name, text_comparison.find_words(fuller)) for name in second.names)
    )


def says_all_of(fuller: str, poorer: str) -> bool:
    """Return whether `fuller` has every detail and every meaningful word of `poorer`: nothing that it says is lost."""
    if not has_details_of(fuller, poorer):
        return False
    # In one language: what is a stop word of the one is none in the other.
    language = _language(f"{fuller} {poorer}")
    words = set(_content_words(fuller, language))
    return all(_is_among(word, words) for word in _content_words(poorer, language))


def has_clauses_of(fuller: str, poorer: str) -> bool:
    """Return whether no clause of `poorer` is wholly missing in `fuller`.

    The clause that both have most words in common may use other words for the same.
    """
    language = _language(f"{fuller} {poorer}")
    words = set(_content_words(fuller, language))
    clauses = [_content_words(clause, language) for clause in _CLAUSE_END.split(poorer)]
    shared = sorted(sum(_is_among(word, words) for word in clause) for clause in clauses if clause)
    return all(shared[:-1])


@lru_cache(maxsize=_REMEMBERED)
def read_details(text: str) -> Details:
    """Return the details of a statement."""
    plain = segmentation.normalize(unicodedata.normalize("NFC", text)).replace("\u2019", "'")
    dates, rest = _split_dates(plain)
    lowered = _THOUSANDS.sub("", normalise(rest))
    words = text_comparison.WORD.findall(lowered)
    in_words = {
        text_comparison.DIGITS.get(word, word)
        for word in words
        if (word in text_comparison.DIGITS and word != "one")
        or (word in text_comparison.NUMBER_WORDS and word not in _DATE_WORDS)
    }
    return Details(
        dates=frozenset(dates),
        numbers=frozenset(text_comparison.NUMBER.findall(lowered)) | in_words,
        units=frozenset(text_comparison.find_units(rest)),
        names=frozenset(_names(text)),
        is_negated=text_comparison.is_negated(text) or _is_negated_elsewhere(lowered),
    )


def _split_dates(text: str) -> tuple[set[str], str]:
    """Return the parts of the dates of a text, and the text without them."""
    dates: set[str] = set()

    def take_iso(match: re.Match[str]) -> str:
        dates.update({f"year {match[1]}", f"month {int(match[2])}"})
        dates.update({f"day {int(match[3])}"} if match[3] else ())
        return " "

    def take_year(match: re.Match[str]) -> str:
        dates.add(f"year {match[1]}")
        return " "

    def take_day(match: re.Match[str]) -> str:
        dates.add(f"day {int(match[1])}")
        return " "

    rest = _CJK_DAY.sub(take_day, _YEAR.sub(take_year, _ISO_DATE.sub(take_iso, text)))
    language = _language(text)
    months = _months(rest, "en") | _months(rest, language)
    dates.update(f"month {month}" for month in months)
    dates.update(f"weekday {_WEEKDAYS[word]}" for word in _TOKEN.findall(rest.casefold()) if word in _WEEKDAYS)
    if months:
        rest = _take_days(rest, language, dates)
        if language in ("zh", "ja", "ko"):
            rest = re.sub(r"(1[0-2]|[1-9])\s?[\u6708\uc6d4]", " ", rest)
    return dates, rest


def _take_days(text: str, language: str | None, dates: set[str]) -> str:
    """Return a text without the days that stand next to a month, and add them to the dates."""
    tokens = list(re.finditer(r"[^\W_]+(?:st|nd|rd|th)?", text))
    is_month = [bool(_months(token[0], "en") | _months(token[0], language)) for token in tokens]
    taken: list[tuple[int, int]] = []
    for place, token in enumerate(tokens):
        number = _DAY.fullmatch(token[0].casefold())
        if number is None or not 1 <= int(number[1]) <= 31:
            continue
        near = [place - 1, place + 1]
        if place + 1 < len(tokens) and tokens[place + 1][0].casefold() in _BEFORE_MONTH:
            near.append(place + 2)
        if any(0 <= other < len(tokens) and is_month[other] for other in near):
            dates.add(f"day {int(number[1])}")
            taken.append(token.span())
    for start, end in reversed(taken):
        text = f"{text[:start]} {text[end:]}"
    return text


@lru_cache(maxsize=_REMEMBERED)
def _language(text: str) -> str:
    """Return the language of a statement. Most are English, which needs no model to see."""
    if text.isascii():
        guessed = stop_words.guess_languages(text, _ASCII_LANGUAGES)
        if not guessed or guessed[0] == "en":
            return "en"
    return detection.detect(text) or "en"


def _months(text: str, language: str | None) -> frozenset[int]:
    return month_names.find_months(text, language)


def _exclude_by_date(one: frozenset[str], other: frozenset[str]) -> bool:
    """Return whether each has a year, a month, a day or a weekday that the other lacks, and both have one."""
    return any(
        first - second and second - first
        for kind in ("year", "month", "day", "weekday")
        for first, second in [(_of_kind(one, kind), _of_kind(other, kind))]
    )


def _of_kind(dates: frozenset[str], kind: str) -> set[str]:
    return {date for date in dates if date.startswith(f"{kind} ")}


def _is_negated_elsewhere(lowered: str) -> bool:
    words = set(text_comparison.WORD.findall(lowered))
    return bool(words & _FOREIGN_NEGATIONS) or bool(_FOREIGN_NEGATION_SIGNS.search(lowered))


def _names(text: str) -> set[str]:
    """Return the names of a statement. Dates, and a first word that is no name by its form, are none."""
    names = text_comparison.find_names(text)
    first = next(iter(text_comparison.WORD.findall(text.replace("\u2019", "'"))), "").casefold().removesuffix("'s")
    is_date = {name for name in names if name in _WEEKDAYS or _months(name.capitalize(), "en")}
    if first.endswith("ing") or first in _LIGHT_WORDS or first in stop_words.of_language("en"):
        names.discard(first)
    return names - is_date


def _have_names_in_one_place(one: str, other: str) -> bool:
    """Return whether each statement has a name of its own at the same place: after or before the same word."""
    own = read_details(one).names - text_comparison.find_words(other)
    others = read_details(other).names - text_comparison.find_words(one)
    if not own or not others:
        return False
    first, second = list(_neighbours(one, own)), list(_neighbours(other, others))
    return any((set(mine) & set(theirs)) - {""} for mine in first for theirs in second)


def _neighbours(text: str, names: AbstractSet[str]) -> Iterator[tuple[str, str]]:
    """Yield the places of each name: after which word, and before which one. The first word is after nothing."""
    words = [word.removesuffix("'s") for word in text_comparison.WORD.findall(normalise(text))]
    for place, word in enumerate(words):
        if word in names:
            before = words[place - 1] if place else ""
            after = words[place + 1] if place + 1 < len(words) else ""
            yield f"after {before}", f"before {after}" if after else ""


def _content_words(text: str, language: str) -> list[str]:
    """Return the words and pieces of a statement that carry its meaning, without its dates and numbers."""
    _, rest = _split_dates(segmentation.normalize(unicodedata.normalize("NFC", text)).replace("\u2019", "'"))
    spaced, pieces = segmentation.split(normalise(rest))
    words = [word.removesuffix("'s") for word in text_comparison.WORD.findall(spaced)]
    ignored = _LIGHT_WORDS if language == "en" else _LIGHT_WORDS | stop_words.of_language(language)
    kept = [word for word in words if word not in ignored and len(word) > 1 and not _months(word, "en")]
    return [word for word in kept if word not in _WEEKDAYS and word not in _DATE_WORDS] + [
        p for p in pieces if not segmentation.is_hiragana(p)
    ]


def _is_among(word: str, words: set[str]) -> bool:
    return word in words or any(_are_forms_of_one_word(word, other) for other in words)


def _are_forms_of_one_word(one: str, other: str) -> bool:
    """Return whether two words begin alike: "danced" and "dancing". Each of them is in lower case."""
    shorter, longer = sorted((one, other), key=len)
    shared = next((place for place, letter in enumerate(shorter) if letter != longer[place]), len(shorter))
    return shared >= max(_SHARED_LETTERS, len(shorter) - _ENDING_LETTERS)
