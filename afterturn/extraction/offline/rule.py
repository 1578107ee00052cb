"""The form of a rule that gives a property: one rule per way of saying it.

In a pattern, {I} is the speaker with the words that may stand before the verb, {THING} is the value up to where the
clause goes on to something else, {NAME} is a value in capitals.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from afterturn.extraction.offline import kinship

_END = (
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
_PIECES = {
    "{I}": (
        r"^(?:\w[\w ]{0,30}, )?I (?:(?:\w{1,20}ly|also|now|still|just|have|been|am|was|always|both|a bit"
        r"|not only) ){0,3}"
    ),
    "{THING}": rf"(?P<value>[^.!;]{{1,80}}?){_END}",
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
    """A way of saying a property."""

    pattern: re.Pattern[str]
    #: A word every match holds, in lower case: looked for first, because it is fast.
    needle: str
    attribute: str
    category: str
    importance: float


def rule(needle: str, attribute: str, category: str, importance: float, pattern: str) -> Rule:
    """Return the rule of a pattern with its pieces filled in."""
    for name, piece in _PIECES.items():
        pattern = pattern.replace(name, piece)
    return Rule(
        pattern=re.compile(pattern), needle=needle, attribute=attribute, category=category, importance=importance
    )
