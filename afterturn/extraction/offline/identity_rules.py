"""Rules for identity, home and work."""

from __future__ import annotations

from afterturn.extraction.offline.rule import rule

RULES = (
    rule("name", "name", "identity", 0.95, r"\b[Mm]y (?:full |first |last )?name is {NAME}"),
    rule("call", "nickname", "identity", 0.85, r"\b(?:[Cc]all me|[Pp]eople call me|[Ff]riends call me) {NAME}"),
    rule(
        " was born ",
        "born_on",
        "identity",
        0.9,
        r"\bI was born (?:on|in) (?P<value>(?:\w+ )?\d[\w ,-]{2,22}?){DATE_END}",
    ),
    rule(
        "birth",
        "born_on",
        "identity",
        0.9,
        r"\b[Mm]y (?:birthday|birth date|date of birth) (?:is|was) (?:on )?(?P<value>[\w ,-]{3,30}?)(?=[.!]|$)",
    ),
    rule(
        " was born ",
        "born_in",
        "identity",
        0.85,
        r"\bI was born (?:and raised )?in (?P<value>[A-Z][\w' ,-]{1,40}?)(?=[.!]|$| and| but)",
    ),
    rule(
        "grew up",
        "grew_up_in",
        "identity",
        0.8,
        r"\bI grew up (?:in|on) (?P<value>[\w' ,-]{2,40}?)(?=[.!,]|$| and| but| with)",
    ),
    rule(
        " am ",
        "gender",
        "identity",
        0.85,
        r"^I am (?:an? )?(?P<value>[Ff]emale|[Mm]ale|man|woman|[Nn]on-binary|transgender(?: woman"
        r"| man)?)\b(?=[.!,]|$| and\b)",
    ),
    rule(
        " weigh ",
        "weight",
        "identity",
        0.6,
        r"{I}weigh (?:about |around |roughly )?(?P<value>\d{2,3}(?:[.,]\d)? ?(?:kg|kilos|lbs?|pounds|stone)\b)",
    ),
    rule(
        " liv",
        "lives_in",
        "place",
        0.85,
        r"{I}(?:live|living|lived) (?:in|near) (?P<value>[^\W\d_][^.!;,]{1,40}?(?:, [A-Z]\w+)?)(?=[.!;,]|$"
        r"| (?:with|and|but|until|since|for|now|because|while|where|when|in (?:19|20)\d\d|right now"
        r"|at the moment|these days|again)\b)",
    ),
    rule("in ", "lives_in", "place", 0.8, r"{I}(?:reside|residing|based) (?:in|at|near) {THING}"),
    rule(
        "moved ",
        "lives_in",
        "place",
        0.85,
        r"{I}(?:moved|relocated|moving|relocating) (?:back |out |over "
        r"|away )?(?:from [^.,!]{1,30}? )?to {THING}",
    ),
    rule(
        "from ",
        "from",
        "identity",
        0.8,
        r"{I}(?:come|came|hail|originally|am) from (?P<value>[A-Z][^.!;]{1,40}?)(?=[.!,;]|$| and| but)",
    ),
    rule(
        " from ",
        "from",
        "identity",
        0.8,
        r"^I am (?:originally )?from (?P<value>[A-Z][^.!;]{1,40}?)(?=[.!,;]|$| and| but)",
    ),
    rule(
        "work",
        "works_at",
        "work",
        0.8,
        r"{I}work(?:ing|ed)? (?:full[- ]time |part[- ]time |remotely )?(?:at|for) (?P<value>(?:an? "
        r"|the )?[\w&'. -]{2,50}?)(?=[.!,;]|$| (?:and|but|as|since|for|in|where|which)\b)",
    ),
    rule(
        "work",
        "works_as",
        "work",
        0.8,
        r"{I}work(?:ing|ed)? (?:full[- ]time |part[- ]time |remotely )?as (?:an? "
        r"|the )?(?P<value>[\w -]{2,50}?)(?=[.!,;]|$| (?:and|but|since|at|for|in|where|which)\b)",
    ),
    rule(
        " a",
        "works_as",
        "work",
        0.75,
        r"^I (?:am|was|became) (?:currently |now |also )?(?:an? |the )(?P<value>{JOB})(?= (?:at|in|for|by"
        r"|from|working|based|with|until)\b|[.,!]|$| and\b)",
    ),
    rule(
        " is ",
        "works_as",
        "work",
        0.8,
        r"\b[Mm]y (?:current )?(?:job|profession|occupation|job title) is (?:an? |the )?{THING}",
    ),
    rule(
        "promot",
        "works_as",
        "work",
        0.8,
        r"\b(?:promoted|promotion) to (?P<value>[\w -]{2,40}?)(?=[.!,;]|$| (?:and|but|at|for|in|with|last"
        r"|on)\b)",
    ),
    rule("major", "studies", "work", 0.75, r"{I}(?:majoring|major|majored) in {THING}"),
    rule("study", "studies", "work", 0.7, r"{I}(?:study|studying) (?!for\b)(?:at )?{THING}"),
    rule(" is ", "studies", "work", 0.75, r"\b[Mm]y (?:major|field of study) is (?:in )?{THING}"),
    rule(
        " is ",
        "education",
        "work",
        0.75,
        r"\b[Mm]y (?:highest )?(?:education|education level|degree) is (?:in )?{THING}",
    ),
    rule(
        "graduated",
        "graduated_from",
        "work",
        0.75,
        r"{I}graduated from (?P<value>[^.!;,]{2,50}?)(?=[.!,;]|$| (?:in|on|with|last) )",
    ),
    rule(
        "speak ",
        "speaks",
        "identity",
        0.75,
        r"{I}speak (?:fluent |some |a little |a bit of )?(?P<value>[A-Z]\w+(?:(?:, and |, "
        r"| and )[A-Z]\w+){0,5})",
    ),
)
