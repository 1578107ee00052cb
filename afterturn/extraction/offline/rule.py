"""Rules that recognise a property: one rule for each way of expressing it.

A pattern may contain placeholders: {I} is the speaker with the words that may come before the verb, {THING} is a value
that ends where the clause continues with something else, {NAME} is a capitalised value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from afterturn.extraction.offline import kinship

_VALUE_END = (
    r"(?=[.!,;]|$| [-\u2013\u2014]|(?: and (?:I|my|we|also)\b)| (?:but|because|since|with|for|so|which|where|who"
    r"|now|right now|currently"
    r"|as|when|while|these days|at the moment|in (?:19|20)\d\d|on \d|until|after|before|anymore|any more"
    r"|again|last|next)\b)"
)
JOB = (
    r"(?:(?!an?\b)[\w-]+ ){0,4}(?:\w{2,20}(?:er|or|ist|ian|ant|eer|ess)|nurse|chef|cook|pilot|nanny|judge"
    r"|coach|barista"
    r"|student|architect|clerk|athlete|intern|vet|analyst|freelancer|CEO|CTO|VP|head|lead)"
)
_PLACEHOLDERS = {
    "{I}": (
        r"^(?:\w[\w ]{0,30}, )?I (?:(?:\w{1,20}ly|also|now|still|just|have|been|am|was|always|both|a bit"
        r"|not only) ){0,3}"
    ),
    "{THING}": rf"(?P<value>[^.!;]{{1,80}}?){_VALUE_END}",
    "{NAME}": r"(?P<value>[^\W\d_a-z][\w'-]*(?: [^\W\d_a-z][\w'-]*){0,4})",
    "{JOB}": JOB,
    "{KIN}": kinship.KIN,
    "{PET}": kinship.PET,
    "{CONDITION}": (
        r"(?:[\w-]+ )?(?:allergy|diabetes|asthma|adhd|ADHD|anxiety|depression|migraines?|arthritis|insomnia|epilepsy"
        r"|c(?:o)?eliac disease|cancer|hypertension|intolerance|autism|ptsd|PTSD|ocd|OCD|eczema)"
    ),
    "{HOW_MANY}": r"(?:an?|one|two|three|four|five|six|\d) ",
    "{DATE_END}": r"(?=[.!]|$|,? and\b| in [A-Z])",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One way of expressing a property."""

    pattern: re.Pattern[str]
    #: A text in lower case that every match contains. It is searched first, because that is fast.
    needle: str
    attribute: str
    category: str
    importance: float


def rule(needle: str, attribute: str, category: str, importance: float, pattern: str) -> Rule:
    """Return a rule whose pattern has its placeholders replaced."""
    for placeholder, replacement in _PLACEHOLDERS.items():
        pattern = pattern.replace(placeholder, replacement)
    return Rule(
        pattern=re.compile(pattern), needle=needle, attribute=attribute, category=category, importance=importance
    )
