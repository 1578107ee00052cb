"""Expand contractions, so that the rules see one form: I'm -> I am, don't -> do not."""

from __future__ import annotations

import re

_EXPANSIONS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE if ignore_case else 0), replacement)
    for pattern, replacement, ignore_case in (
        (r"[\u2018\u2019\u02bc]", "'", False),
        (r"\b(?:i'm|im)(?= )", "I am", True),
        (r"\b(?:i've|ive)(?= )", "I have", True),
        (r"\bi'll\b", "I will", True),
        (
            r"\bi'd (?=(?:\w+ly )?(?:been|better|had|seen|gone|done|never|already|just|always|heard|known)\b)",
            "I had ",
            True,
        ),
        (r"\bi'd\b", "I would", True),
        (r"\bi\b(?!')(?!\.)", "I", False),
        (r"\b(we|you|they)'re\b", r"\1 are", True),
        (r"\b(we|you|they)'ve\b", r"\1 have", True),
        (r"\b(we|you|they|he|she|it|that)'ll\b", r"\1 will", True),
        (r"\b(we|you|they|he|she)'d\b", r"\1 would", True),
        (r"\b(he|she|it|that|there|here)'s (?=(?:been|got|had)\b)", r"\1 has ", True),
        (r"\b(he|she|it|that|there|here)'s\b", r"\1 is", True),
        (r"\b(?:can't|cant)\b", "cannot", True),
        (r"\bwon't\b", "will not", True),
        (r"\b(do|does|did|is|are|was|were|has|have|had|would|could|should|must|need)n't\b", r"\1 not", True),
        (r"\b(do|does|did|have|is|was)nt\b", r"\1 not", True),
        (r"\bI ain't\b", "I am not", True),
        (r"\b(am |are |is |I )?gonna\b", r"\1going to", True),
        (r"\bwanna\b", "want to", True),
        (r"\b(I )(?:have )?gotta\b", r"\1have to", True),
        (r"\bI have got\b", "I have", False),
        (r"\b(\w+in)'(?= )", r"\1g", False),
        (r"\bI going to\b", "I am going to", False),
        (r"\bI myself\b", "I", False),
        (r"\bI been\b", "I have been", False),
    )
)
_MAY_CONTAIN_CONTRACTION = re.compile(
    r"['\u2018\u2019\u02bc]|\b(?:im|ive|i|cant|dont|didnt|doesnt|havent|isnt|wasnt|gonna|wanna|gotta)\b", re.IGNORECASE
)


def expand(text: str) -> str:
    """Return a text with expanded contractions, and with "I" for "i"."""
    if not _MAY_CONTAIN_CONTRACTION.search(text):
        return text
    for pattern, replacement in _EXPANSIONS:
        text = pattern.sub(replacement, text)
    return text
