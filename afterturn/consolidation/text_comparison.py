"""Compare the texts of two statements in the details that make them different facts.

"Ana ran 10 km" and "Ana ran 12 km" have nearly the same words and vectors. They differ in a detail: a number, a unit, a
name, a date or a negation. Statements that differ in a detail are never merged.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from afterturn.extraction.verification import normalise

NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_UNIT_SIGN = re.compile(r"[€$£%]")


def word_set(words: str) -> frozenset[str]:
    return frozenset(words.split())


NEGATIONS = word_set(
    "not no never without nobody nothing neither nor cannot none stopped quit hardly barely rarely seldom"
)
_SMALL_NUMBERS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen twenty
"""
#: A number in words is equal to the number in digits.
DIGITS = {word: str(number) for number, word in enumerate(_SMALL_NUMBERS.split())}
NUMBER_WORDS = word_set("""
    thirty forty fifty sixty seventy eighty ninety hundred thousand million first second third fourth fifth once twice
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september
    october november december
""")
#: Units. The names on one line mean the same unit.
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
#: Words without a meaning of their own.
FUNCTION_WORDS = word_set("""
    a an the is are was were be been being am has have had do does did will would can could of in on at to for from with
    by and or as that this these those it its his her their they he she user very really also too s currently now still
""")
#: Relations of a person or pet to the speaker. Two people of one name can be distinguished by them.
_RELATIONS = word_set("""
    mother father mom mum dad sister brother son daughter wife husband spouse partner girlfriend boyfriend fiancee
    fiance grandmother grandfather grandma grandpa aunt uncle cousin niece nephew friend roommate flatmate neighbor
    neighbour boss manager mentor coworker colleague teacher doctor therapist dentist trainer coach client student
    classmate landlord landlady ex dog cat
""")


def differ_in_detail(one: str, other: str) -> bool:
    """Return whether two statements differ in a detail.

    They do if their numbers, dates or negation are different, or if each has a unit or a name that the other has not.
    """
    return (
        _numbers(one) != _numbers(other)
        or is_negated(one) != is_negated(other)
        or _each_has_its_own(find_units(one), find_units(other))
        or bool(find_names(one) - find_words(other) and find_names(other) - find_words(one))
    )


def adds_no_words_to(one: str, other: str) -> bool:
    """Return whether `other` contains all words of `one`, apart from function words."""
    return find_words(one) - FUNCTION_WORDS <= find_words(other)


def adds_details(text: str, sources: Iterable[str]) -> bool:
    """Return whether `text` contains a name, a number or a date that none of `sources` contains."""
    said = " ".join(sources)
    return bool(_numbers(text) - _numbers(said) or find_names(text) - find_words(said))


def extends(fuller: str, poorer: str) -> bool:
    """Return whether `fuller` begins with all words of `poorer`, in their order, and is negated if that is."""
    begun, words = WORD.findall(normalise(poorer)), WORD.findall(normalise(fuller))
    return (
        words[: len(begun)] == begun and is_negated(fuller) == is_negated(poorer) and not adds_details(poorer, [fuller])
    )


def name_different_relations(one: str, other: str) -> bool:
    """Return whether both statements name a relation (a sister, a colleague) and have none in common."""
    first, second = find_words(one) & _RELATIONS, find_words(other) & _RELATIONS
    return bool(first and second and not first & second)


def names_a_relation(text: str) -> bool:
    """Return whether a statement names a relation, such as sister or colleague."""
    return bool(find_words(text) & _RELATIONS)


def find_words(text: str) -> set[str]:
    """Return the words of a statement in lower case."""
    return {word.removesuffix("'s") for word in WORD.findall(normalise(text))}


def _numbers(text: str) -> frozenset[str]:
    normalised = normalise(text)
    words = {DIGITS.get(word, word) for word in WORD.findall(normalised) if word in DIGITS or word in NUMBER_WORDS}
    return frozenset(NUMBER.findall(normalised)) | words


def find_units(text: str) -> set[str]:
    """Return the units, each under one name."""
    normalised = normalise(text)
    return {_UNITS[name] for name in (*WORD.findall(normalised), *_UNIT_SIGN.findall(normalised)) if name in _UNITS}


def _each_has_its_own(one: set[str], other: set[str]) -> bool:
    return bool(one - other and other - one)


def is_negated(text: str) -> bool:
    """Return whether the number of negations is odd."""
    words = WORD.findall(normalise(text))
    count = sum(word in NEGATIONS or word.endswith("n't") for word in words)
    return bool(count % 2)


def find_names(text: str) -> set[str]:
    """Return the capitalised words in lower case, with the first word of a sentence, which is often a name."""
    words = WORD.findall(unicodedata.normalize("NFKC", text).replace("\u2019", "'"))
    capitalised = {word.casefold().removesuffix("'s") for word in words if word[:1].isupper() and len(word) > 1}
    return capitalised - FUNCTION_WORDS
