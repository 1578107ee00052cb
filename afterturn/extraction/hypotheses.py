"""Recognise hypotheses: "if I moved to Rome, ..." does not state a move."""

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
#: Words that mark a text as uncertain. Such a text does not present a hypothesis as a fact.
_HEDGED = re.compile(
    r"\b(?:would|could|might|may|if|imagin\w*|hypothe\w*|suppos\w*|pretend\w*|dream\w*|wish\w*|want\w*|consider\w*"
    r"|hope\w*|hoping|think\w*|thought|wonder\w*|plan\w*|fantas\w*|ask\w*|propos\w*|scenario\w*|idea\w*|discuss\w*"
    r"|role[- ]?play\w*|story|fiction\w*|character)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{2,}|\d+")
_FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        the user an and or of to in on at for with from by as is are was were be been being am has have had do does did
        their them they his her him she he it its this that these those my me we our us you your will not no
        """,
    )
)
#: Words are compared by their first characters, so that live, lives, lived and living are equal.
_STEM_CHARACTERS = 4


def is_only_imagined(text: str, quote: str, names: frozenset[str]) -> bool:
    """Return whether `text` asserts what `quote` only imagines; False in case of doubt.

    It is True if one hypothetical clause of the quote contains all content words of the text, and if the text contains
    no word of uncertainty. Only English is supported.

    Args:
        text: of a candidate.
        quote: its evidence.
        names: words of names, which need not be in the clause.
    """
    if _HEDGED.search(text):
        return False
    asserted = _content_stems(text) - {_stem(name) for name in names}
    if not asserted or not any(asserted <= _content_stems(match["clause"]) for match in _CLAUSE.finditer(quote)):
        return False
    is_also_stated = asserted <= _content_stems(_CLAUSE.sub(" ", quote))
    return not is_also_stated


def _content_stems(text: str) -> set[str]:
    return {_stem(word) for word in _WORD.findall(text) if word.casefold() not in _FUNCTION_WORDS}


def _stem(word: str) -> str:
    return word.casefold()[:_STEM_CHARACTERS]
