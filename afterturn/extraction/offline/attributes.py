"""Which property a statement gives: "I live in Lisbon" -> lives_in, Lisbon."""

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
    """A property of somebody, and the kind of fact that gives it."""

    category: str
    importance: float
    #: Whom it is about, by name.
    subject: str
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
#: Said in the past tense, these are no longer so; the others (moved, bought, was born) still are.
_PAST_IN_PAST_TENSE = frozenset({"lives_in", "works_at", "works_as", "studies", "plays", "likes"})
_PAST_TENSE = re.compile(r"\bI (?:\w+ly )?(?:lived|worked|was|majored|played|studied|loved|liked)\b")
_AGE = re.compile(r"\bI (?:am|just turned|turned) (?:now )?(?P<value>\d{1,3})(?: years? old)?(?=[.,!]|$| and\b)")
_I_AM = re.compile(r"^I am (?:an? )?(?P<value>[^\W\d_a-z][\w'-]*(?: [^\W\d_a-z][\w'-]*){0,3})(?=[.,!]|$| and\b)")
#: A date is when something holds, and no part of what holds.
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE_AT_END = re.compile(
    r",? (?:(?:(?:on|in|around|since|until|till|by|from|starting|for) )?"
    r"(?:the (?:week|weekend|morning|afternoon|evening|night|spring|summer|autumn|fall|winter) of )?"
    rf"(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day )?(?:\d{{1,2}} )?(?:{_MONTHS})(?: \d{{4}})?"
    r"|(?:on|in|around|since|until|till|by|from) (?:the (?:spring|summer|autumn|fall|winter) of )?(?:19|20)\d\d)$"
)
_DATES = frozenset({"born_on"})
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


def find(clause: str, speaker: str, *, former: bool) -> Property:
    """Return the property that a first-person clause (contractions written out) gives; without attribute if none.

    `former` says that it holds no more: then the attribute is the past one ("lived_in"), never the current one.
    """
    special = _relatives_job(clause, speaker) or _age(clause, speaker) or _identity(clause, speaker)
    if special:
        return special
    lower = clause.lower()
    for rule in _RULES:
        if rule.needle in lower and (match := rule.pattern.search(clause)):
            return _property(rule, match, speaker, former=former)
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
    """What "I am" and a word in capitals says: a name, a nationality or a faith."""
    match = _I_AM.match(clause)
    if not match:
        return None
    value = match["value"]
    if nationalities.nationality(value):
        attribute = "nationality"
    elif nationalities.faith(value):
        attribute = "religion"
    elif value.casefold() == speaker.casefold():
        attribute = "name"
    else:
        return None
    return Property(category="identity", attribute=attribute, value=value, subject=speaker, importance=0.85)


def _property(rule: Rule, match: re.Match[str], speaker: str, *, former: bool) -> Property:
    attribute = rule.attribute
    if attribute == "favourite_":
        attribute += re.sub(r"\W+", "_", match["kind"].strip().lower())
    elif attribute == "kin":
        attribute = kinship.attribute(match["kin"])
    in_past_tense = attribute in _PAST_IN_PAST_TENSE and _PAST_TENSE.search(match.group()) is not None
    if former or in_past_tense:
        attribute = _PAST_FORMS.get(attribute, f"formerly_{attribute}")
    value = third_person.value_told(match["value"].strip(" ,.-"))
    if attribute not in _DATES:
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
