"""Find the property that a clause states: "I live in Lisbon" -> lives_in, Lisbon."""

from __future__ import annotations

import re
from dataclasses import dataclass

from afterturn.extraction.offline import (
    family_rules,
    identity_rules,
    kinship,
    nationalities,
    taste_rules,
    third_person,
)
from afterturn.extraction.offline.rule import JOB, Rule

_RULES = (*identity_rules.RULES, *family_rules.RULES, *taste_rules.RULES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """A property with its value, and the category and importance of the fact."""

    category: str
    importance: float
    #: The name of the person or thing that has the property.
    subject: str
    #: None: the clause states no known property.
    attribute: str | None = None
    value: str | None = None


_PAST_FORMS = {
    "lives_in": "lived_in",
    "works_at": "worked_at",
    "works_as": "worked_as",
    "likes": "liked",
    "dislikes": "disliked",
    "plays": "played",
    "owns": "owned",
    "studies": "studied",
}
#: Properties that have ended if the verb is in the past tense. Others (moved, bought, was born) still apply.
_ENDED_IN_PAST_TENSE = frozenset({"lives_in", "works_at", "works_as", "studies", "plays", "likes"})
_PAST_TENSE = re.compile(r"\bI (?:\w+ly )?(?:lived|worked|was|majored|played|studied|loved|liked)\b")
_AGE = re.compile(r"\bI (?:am|just turned|turned) (?:now )?(?P<value>\d{1,3})(?: years? old)?(?=[.,!]|$| and\b)")
_I_AM = re.compile(r"^I am (?:an? )?(?P<value>[^\W\d_a-z][\w'-]*(?: [^\W\d_a-z][\w'-]*){0,3})(?=[.,!]|$| and\b)")
#: A date at the end of a value says when it applies, and is not part of the value.
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE_AT_END = re.compile(
    r",? (?:(?:(?:on|in|around|since|until|till|by|from|starting|for) )?"
    r"(?:the (?:week|weekend|morning|afternoon|evening|night|spring|summer|autumn|fall|winter) of )?"
    rf"(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day )?(?:\d{{1,2}} )?(?:{_MONTHS})(?: \d{{4}})?"
    r"|(?:on|in|around|since|until|till|by|from) (?:the (?:spring|summer|autumn|fall|winter) of )?(?:19|20)\d\d)$"
)
_DATE_ATTRIBUTES = frozenset({"born_on"})
_RELATIVES_JOB = re.compile(
    rf"^[Mm]y {kinship.KIN},? ?(?P<name>[^\W\d_a-z]\w+)?,? (?:is|works as|became) (?:an? )?(?P<value>{JOB})"
    r"(?=[.,!]|$| (?:and|in|at|for)\b)"
)
_HEALTH = re.compile(
    r"\b(?:doctor|dentist|hospital|surgery|therapy|therapist|diagnosed|medication|pregnant|injur\w+|ill|sick|pain|sleep\w*"
    r"|stress\w*|anxi\w+|depress\w+|diet|workout|gym|yoga|meditat\w+|health|smoking|marathon|allerg\w+)\b",
    re.IGNORECASE,
)
_WORK = re.compile(
    r"\b(?:job|work\w*|career|boss|colleagues?|coworkers?|company|office|promotion|promoted|salary|income|project|client"
    r"|startup|business|team|interview|degree|university|college|school|class|course|exam|thesis|internship)\b",
    re.IGNORECASE,
)


def find_property(clause: str, speaker: str, *, is_former: bool) -> Property:
    """Return the property that a clause states; without an attribute if it states none.

    Args:
        clause: in the first person, with expanded contractions.
        speaker: the name of the speaker.
        is_former: whether the clause is no longer true; then the attribute is a past one ("lived_in").
    """
    property_without_rule = _relatives_job(clause, speaker) or _age(clause, speaker) or _identity(clause, speaker)
    if property_without_rule:
        return property_without_rule
    lower = clause.lower()
    for rule in _RULES:
        if rule.needle in lower and (match := rule.pattern.search(clause)):
            return _property_of_match(rule, match, speaker, is_former=is_former)
    return Property(category=_category(clause), importance=0.5, subject=speaker)


def _relatives_job(clause: str, speaker: str) -> Property | None:
    match = _RELATIVES_JOB.match(clause)
    if not match:
        return None
    subject = match["name"] or f"{third_person.possessive(speaker)} {match['kin']}"
    return Property(category="family", attribute="works_as", value=match["value"], subject=subject, importance=0.75)


def _age(clause: str, speaker: str) -> Property | None:
    match = _AGE.search(clause)
    if not match:
        return None
    return Property(category="identity", attribute="age", value=match["value"], subject=speaker, importance=0.85)


def _identity(clause: str, speaker: str) -> Property | None:
    """Return the property in "I am" with a capitalised word: a name, a nationality or a faith."""
    match = _I_AM.match(clause)
    if not match:
        return None
    value = match["value"]
    if nationalities.is_nationality(value):
        attribute = "nationality"
    elif nationalities.is_faith(value):
        attribute = "religion"
    elif value.casefold() == speaker.casefold():
        attribute = "name"
    else:
        return None
    return Property(category="identity", attribute=attribute, value=value, subject=speaker, importance=0.85)


def _property_of_match(rule: Rule, match: re.Match[str], speaker: str, *, is_former: bool) -> Property:
    attribute = rule.attribute
    if attribute == "favourite_":
        attribute += re.sub(r"\W+", "_", match["kind"].strip().lower())
    elif attribute == "kin":
        attribute = kinship.kinship_attribute(match["kin"])
    has_ended = attribute in _ENDED_IN_PAST_TENSE and _PAST_TENSE.search(match.group()) is not None
    if is_former or has_ended:
        attribute = _PAST_FORMS.get(attribute, f"formerly_{attribute}")
    value = third_person.value_to_third_person(match["value"].strip(" ,.-"))
    if attribute not in _DATE_ATTRIBUTES:
        value = _DATE_AT_END.sub("", value)
    return Property(
        category=rule.category, attribute=attribute, value=value, subject=speaker, importance=rule.importance
    )


def _category(clause: str) -> str:
    if kinship.MENTION.search(clause):
        return "family"
    if _HEALTH.search(clause):
        return "health"
    return "work" if _WORK.search(clause) else "other"
