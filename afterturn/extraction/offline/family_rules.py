"""Rules for family, pets and health."""

from __future__ import annotations

from afterturn.extraction.offline.rule import rule

RULES = (
    rule("allergic to", "allergic_to", "health", 0.95, r"{I}allergic to {THING}"),
    rule(
        "",
        "has_condition",
        "health",
        0.9,
        r"\bI (?:have|suffer from|was diagnosed with|have been diagnosed with|got diagnosed with"
        r"|am living with) (?:an? )?(?P<value>{CONDITION})\b",
    ),
    rule(
        "",
        "kin",
        "family",
        0.85,
        r"\b(?:[Mm]y|[Oo]ur) {KIN}(?:'s name is| is (?:called|named)| named| called) (?P<value>[^\W\d_a-z]\w*)",
    ),
    rule(
        "",
        "has_pet",
        "family",
        0.8,
        r"\b(?:[Mm]y|[Oo]ur) {PET}(?:'s name is| is (?:called|named)| named| called) (?P<value>[^\W\d_a-z]\w*)",
    ),
    rule(
        "",
        "has_pet",
        "family",
        0.75,
        r"\b(?:I|[Ww]e) (?:have|own|adopted|got|rescued|have adopted|bought|just got|just adopted) (?:(?:an?"
        r"|two|three|four|some|my|new|our|\d) ){1,2}(?P<value>{PET}(?: (?:named|called) [^\W\d_a-z]\w*)?)\b",
    ),
    rule(
        " have ",
        "has_child",
        "family",
        0.85,
        r"\b(?:I|[Ww]e) have (?P<value>{HOW_MANY}(?:\w+ )?(?:sons?|daughters?|child|children|kids?|twins"
        r"|toddlers?|teenagers?))\b",
    ),
    rule(
        " have ",
        "has_sibling",
        "family",
        0.8,
        r"\bI have (?P<value>{HOW_MANY}(?:\w+ )?(?:brothers?|sisters?|siblings?))\b",
    ),
    rule(
        "married to",
        "married_to",
        "family",
        0.9,
        r"\bI (?:am|got|have been) (?:happily )?married to (?P<value>[\w' -]{2,40}?)(?=[.,!]|$| and| for"
        r"| since| in| on)",
    ),
    rule(
        "",
        "marital_status",
        "family",
        0.85,
        r"\bI (?:am|got) (?:\w+ly )?(?P<value>married|divorced|single|engaged|widowed|separated)\b",
    ),
)
