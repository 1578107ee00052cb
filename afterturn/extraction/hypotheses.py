"""What was only imagined: "if I moved to Rome, ..." tells of no move."""

from __future__ import annotations

import re

_OPENING = (
    r"(?:^|(?<=[.!?\n]\s)|(?<=[.!?]))\s{0,3}"
    r"(?:(?:so|and|but|ok|okay|now|well|hey|please|just|let's|let us)[, ]{1,2}){0,2}"
)
_IMAGINED = (
    r"(?:imagine|suppose|supposing|pretend|picture this|hypothetically|let's say|let us say|say hypothetically"
    r"|what if)\b[^.!?\n]{0,300}"
)
_UNREAL = (
    r"(?:even )?if (?:i|we|my \w{1,20}) (?:only |ever |really |just |were to |was to ){0,2}"
    r"(?:were|was|had|could|lived|moved|won|got|bought|worked|married|spoke|knew|owned|became|quit|lost|went|left"
    r"|started)\b[^.!?,;\n]{0,200}"
)
_CLAUSE = re.compile(rf"{_OPENING}(?P<clause>{_IMAGINED}|{_UNREAL})", re.IGNORECASE)
#: A text that says how unsure it is does not take what was imagined for true.
_HEDGED = re.compile(
    r"\b(?:would|could|might|may|if|imagin\w*|hypothe\w*|suppos\w*|pretend\w*|dream\w*|wish\w*|want\w*|consider\w*"
    r"|hope\w*|hoping|think\w*|thought|wonder\w*|plan\w*|fantas\w*|ask\w*|propos\w*|scenario\w*|idea\w*|discuss\w*"
    r"|role[- ]?play\w*|story|fiction\w*|character)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{2,}|\d+")
_NOT_TELLING = frozenset(
    re.findall(
        r"\w+",
        """
        the user an and or of to in on at for with from by as is are was were be been being am has have had do does did
        their them they his her him she he it its this that these those my me we our us you your will not no
        """,
    )
)
#: What a word keeps when it is said of somebody else: lives, lived and living begin like live.
_STEM_CHARACTERS = 4


def is_only_imagined(text: str, quote: str, names: frozenset[str]) -> bool:
    """Whether a candidate's `text` asserts what its `quote` only imagines; False wherever that is not sure.

    It is sure where each telling word of the text (those of `names` aside) stands in one hypothetical clause of the
    quote, and the text does not hedge. Only English is read.
    """
    if _HEDGED.search(text):
        return False
    said = _telling(text) - {_stem(name) for name in names}
    if not said or not any(said <= _telling(found["clause"]) for found in _CLAUSE.finditer(quote)):
        return False
    is_said_plainly = said <= _telling(_CLAUSE.sub(" ", quote))
    return not is_said_plainly


def _telling(text: str) -> set[str]:
    return {_stem(word) for word in _WORD.findall(text) if word.casefold() not in _NOT_TELLING}


def _stem(word: str) -> str:
    return word.casefold()[:_STEM_CHARACTERS]
