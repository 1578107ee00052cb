"""How two statements differ: in what makes them another fact, however alike they look.

"Ana ran 10 km" and "Ana ran 12 km" have nearly the same words and vectors. Numbers, units, names, dates and negation
tell such pairs apart, and nothing that differs in them is ever merged.
"""

from __future__ import annotations

import re
import unicodedata

from afterturn.extraction.verification import normalise

_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_SIGN = re.compile(r"[€$£%]")


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_NEGATIONS = _listed(
    "not no never without nobody nothing neither nor cannot none stopped quit hardly barely rarely seldom"
)
_SMALL_NUMBERS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty
"""
#: A number in words is the same number.
_DIGITS = {word: str(number) for number, word in enumerate(_SMALL_NUMBERS.split())}
_NUMBER_WORDS = _listed("""
    thirty forty fifty sixty seventy eighty ninety hundred thousand million first second third fourth fifth once twice
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september
    october november december
""")
#: What is counted or measured, each line one thing under its names.
_UNIT_NAMES = """
    km kilometer kilometers kilometre kilometres
    mile miles mi
    meter meters metre metres
    cm centimeter centimeters centimetre centimetres
    foot feet ft
    inch inches
    kg kilo kilos kilogram kilograms
    pound pounds lb lbs
    stone stones
    gram grams
    liter liters litre litres
    gallon gallons
    euro euros eur €
    dollar dollars usd $
    sterling gbp £
    celsius
    fahrenheit
    percent %
    minute minutes min mins
    hour hours
    day days daily
    week weeks weekly
    month months monthly
    year years yearly
    am
    pm
"""
_UNITS = {name: line.split()[0] for line in _UNIT_NAMES.strip().splitlines() for name in line.split()}
#: Words that say nothing of their own.
_EMPTY = _listed("""
    a an the is are was were be been being am has have had do does did will would can could of in on at to for from with
    by and or as that this these those it its his her their they he she user very really also too s currently now still
""")
#: Who somebody is to the speaker: two people of one name are told apart by it.
_RELATIONS = _listed("""
    mother father mom mum dad sister brother son daughter wife husband spouse partner girlfriend boyfriend fiancee
    fiance grandmother grandfather grandma grandpa aunt uncle cousin niece nephew friend roommate flatmate neighbor
    neighbour boss manager mentor coworker colleague teacher doctor therapist dentist trainer coach client student
    classmate landlord landlady ex dog cat
""")


def differ_in_detail(one: str, other: str) -> bool:
    """Return whether two statements differ in a number, a date or negation, or each in a name or unit of its own."""
    return (
        _numbers(one) != _numbers(other)
        or _is_negated(one) != _is_negated(other)
        or _each_has_its_own(_units(one), _units(other))
        or bool(_names(one) - _words(other) and _names(other) - _words(one))
    )


def adds_nothing_to(one: str, other: str) -> bool:
    """Return whether every word of `one` that says something stands in `other` as well."""
    return _words(one) - _EMPTY <= _words(other)


def are_of_different_people(one: str, other: str) -> bool:
    """Return whether two statements about somebody of one name call them different things: a sister, a colleague."""
    first, second = _words(one) & _RELATIONS, _words(other) & _RELATIONS
    return bool(first and second and not first & second)


def names_relation(text: str) -> bool:
    """Return whether a statement calls somebody a sister, a colleague or the like."""
    return bool(_words(text) & _RELATIONS)


def _words(text: str) -> set[str]:
    return {word.removesuffix("'s") for word in _WORD.findall(normalise(text))}


def _numbers(text: str) -> frozenset[str]:
    plain = normalise(text)
    words = {_DIGITS.get(word, word) for word in _WORD.findall(plain) if word in _DIGITS or word in _NUMBER_WORDS}
    return frozenset(_NUMBER.findall(plain)) | words


def _units(text: str) -> set[str]:
    plain = normalise(text)
    return {_UNITS[found] for found in (*_WORD.findall(plain), *_SIGN.findall(plain)) if found in _UNITS}


def _each_has_its_own(one: set[str], other: set[str]) -> bool:
    return bool(one - other and other - one)


def _is_negated(text: str) -> bool:
    words = _WORD.findall(normalise(text))
    count = sum(word in _NEGATIONS or word.endswith("n't") for word in words)
    return bool(count % 2)


def _names(text: str) -> set[str]:
    """Return the words with a capital, in lower case; the sentence's first one as well, which often is a name."""
    words = _WORD.findall(unicodedata.normalize("NFKC", text).replace("\u2019", "'"))
    capital = {word.casefold().removesuffix("'s") for word in words if word[:1].isupper() and len(word) > 1}
    return capital - _EMPTY
