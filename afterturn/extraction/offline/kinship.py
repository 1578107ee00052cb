"""Mentions of relatives, friends and pets: "my sister Ana", "our dog"."""

from __future__ import annotations

import re

KIN = (
    r"(?P<kin>(?:(?:older|younger|elder|little|big|twin|late|best|close|good|step|half|eldest|oldest"
    r"|youngest|ex)[ -]?){0,2}"
    r"(?:mother|father|mom|mum|dad|mama|papa|parents|sister|brother|siblings?|son|daughter|child(?:ren)?"
    r"|kids?|baby|wife"
    r"|husband|spouse|partner|girlfriend|boyfriend|fianc[eé]e?|grandmother|grandfather|grandma|grandpa"
    r"|granny|grandparents"
    r"|aunt|uncle|cousin|niece|nephew|friend|roommate|flatmate|neighbou?r|boss|manager|mentor|coworker|colleague)"
    r"(?:-in-law)?)"
)
PET = (
    r"(?P<pet>(?:\w+ )?(?:dog|puppy|cat|kitten|parrot|hamster|rabbit|bunny|horse|turtle|tortoise|fish"
    r"|bird|snake|lizard"
    r"|guinea pig|ferret)s?)"
)
#: A relative, friend or pet of the speaker, with the name if it follows.
MENTION = re.compile(rf"\b(?:[Mm]y|[Oo]ur) (?:{KIN}|{PET})\b(?:,? (?P<name>[^\W\d_a-z]\w+),?)?")

_ATTRIBUTES = {
    "son": "has_child",
    "daughter": "has_child",
    "child": "has_child",
    "baby": "has_child",
    "kid": "has_child",
    "wife": "married_to",
    "husband": "married_to",
    "spouse": "married_to",
}


def kinship_attribute(kin: str) -> str:
    """Return the attribute that holds the name of a relative: `wife` -> `married_to`, `sister` -> `has_sister`."""
    kin = kin.lower()
    return _ATTRIBUTES.get(kin, "has_" + re.sub(r"\W+", "_", kin))


def sole_relative(sentence: str) -> str | None:
    """Return the only relative or pet in a sentence ("My sister"), to which "she" in the next one refers; else None."""
    mentions = {(match["kin"] or match["pet"]).lower() for match in MENTION.finditer(sentence)}
    return f"My {mentions.pop()}" if len(mentions) == 1 else None
