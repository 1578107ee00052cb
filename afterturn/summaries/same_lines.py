"""Find lines of a profile that say the same in other words: one of two is enough."""

from __future__ import annotations

import re

from afterturn.consolidation import text_comparison

_WORD = re.compile(r"[^\W\d_]+|\d+")
_CAPITALISED = re.compile(r"\b[A-Z\u00c0-\u00dd][^\W\d_]+")
#: Words of this many letters with the same beginning are forms of one word: starts, started.
_STEM_LETTERS = 5
#: Two lines whose words are alike to this extent say the same, if no detail differs.
_LEAST_ALIKE = 0.8
_FUNCTION_WORDS = frozenset(
    _WORD.findall(
        """
        a an the is are was were be been being am has have had do does did in on at to for from with by of and or as
        that this it its his her their he she they who currently now still really very also too
        """
    )
)


def find_fuller(one: str, other: str) -> str | None:
    """Return the fuller of two lines that say the same; None if each says something of its own."""
    poorer, fuller = sorted((one, other), key=lambda text: len(_stems(text)))
    if text_comparison.extends(fuller, poorer):
        return fuller
    if (
        text_comparison.differ_in_detail(one, other)
        or text_comparison.names_a_relation(one) != text_comparison.names_a_relation(other)
        or text_comparison.name_different_relations(one, other)
        or _names(one) != _names(other)
    ):
        return None
    shared, united = _stems(one) & _stems(other), _stems(one) | _stems(other)
    is_contained = shared == _stems(poorer)
    return fuller if united and (is_contained or len(shared) >= _LEAST_ALIKE * len(united)) else None


def _stems(text: str) -> set[str]:
    words = (word for word in _WORD.findall(text.casefold()) if word not in _FUNCTION_WORDS)
    return {word[:_STEM_LETTERS].rstrip("es") or word for word in words}


def _names(text: str) -> set[str]:
    """Return the capitalised words, in lower case."""
    return {name.casefold() for name in _CAPITALISED.findall(text)} - _FUNCTION_WORDS
