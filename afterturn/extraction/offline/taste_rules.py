"""Rules for likes, possessions and plans."""

from __future__ import annotations

from afterturn.extraction.offline.rule import rule

RULES = (
    rule(
        "",
        "diet",
        "preference",
        0.85,
        r"\bI (?:am|became|went|have been|turned) (?:(?:an?|now|strictly|mostly"
        r"|also) ){0,2}(?P<value>(?i:vegan|vegetarian|pescatarian|keto|gluten[- ]free|kosher|halal"
        r"|lactose[- ]intolerant))\b",
    ),
    rule(
        " not eat ",
        "does_not_eat",
        "preference",
        0.85,
        r"\bI do not eat (?:any )?(?P<value>[\w ]{2,30}?)(?=[.!,]|$| (?:and|but|because|any ?more))",
    ),
    rule(
        "favo",
        "favourite_",
        "preference",
        0.75,
        r"\b[Mm]y (?:all-time |absolute )?favou?rite (?P<kind>[\w ]{2,30}?) (?:is|are|has always been) {THING}",
    ),
    rule(
        "favo",
        "favourite_",
        "preference",
        0.75,
        r"^(?P<value>[A-Z][^.!;,]{1,50}?) (?:is|are) my (?:all-time "
        r"|absolute )?favou?rite (?P<kind>\w+(?: \w+)?)",
    ),
    rule("", "prefers", "preference", 0.7, r"{I}(?:prefer|favou?r) {THING}"),
    rule("", "dislikes", "preference", 0.7, r"{I}(?:hate|dislike|detest|despise|cannot stand|loathe) {THING}"),
    rule(" not ", "dislikes", "preference", 0.7, r"{I}do not (?:\w+ly )?(?:like|enjoy|love) {THING}"),
    rule(
        " not ",
        "dislikes",
        "preference",
        0.65,
        r"{I}(?:not |never been )(?:(?:really|much of) )?(?:an? )?(?:big |huge )?(?:fan of|into|fond of"
        r"|keen on) {THING}",
    ),
    rule(
        "",
        "likes",
        "preference",
        0.65,
        r"{I}(?:(?:an? )?(?:big |huge )?fan of|fond of|into|passionate about|obsessed with|keen on"
        r"|crazy about|interested in) {THING}",
    ),
    rule(
        "",
        "likes",
        "preference",
        0.65,
        r"{I}(?:love|like|loved|liked|enjoy|adore|enjoying|loving) (?!to (?:be|have|know|hear|see)\b){THING}",
    ),
    rule("play", "plays", "preference", 0.6, r"{I}(?:play|playing|played) (?:the )?{THING}"),
    rule(
        "",
        "owns",
        "possession",
        0.55,
        r"{I}(?:own|bought|drive) (?:an? |my |the )?(?:new )?(?P<value>[^.!;,]{2,50}?)(?=[.!;,]|$| (?:and|but"
        r"|because|for|from|at|so|last|to|yesterday|on|in)\b)",
    ),
    rule(
        "",
        "travels_to",
        "plan",
        0.65,
        r"{I}(?:flying|travelling|traveling|heading|going) to (?P<value>[A-Z][\w' -]{1,40}?)(?=[.!,;]|$"
        r"| (?:on|in|for|with|and|next|to|by) )",
    ),
    rule(
        "to ",
        "plans_to",
        "plan",
        0.6,
        r"{I}(?:plan|planning|going|intend|intending|hoping|aim|aiming|hope) to (?!the\b|an?\b|my\b|this\b"
        r"|that\b|school\b|[A-Z]){THING}",
    ),
    rule("on ", "plans_to", "plan", 0.6, r"{I}plan(?:ning)? on {THING}"),
)
