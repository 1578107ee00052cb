"""Select the assertions of a batch that are worth remembering."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from afterturn.extraction.offline import topics
from afterturn.extraction.offline.assertions import Assertion

#: Two assertions of a batch whose words overlap by at least this share (Jaccard index) are taken for the same.
SAME_FROM = 0.75

#: An assertion that ends like this refers to something outside, so it needs two specific words: "Ana drew it."
_ENDS_WITH_REFERENCE = re.compile(r"\b(?:it|this|that one|these|those)\b[.!]?$", re.IGNORECASE)

#: Properties that are informative without specific words: "I am 30".
_INFORMATIVE_ATTRIBUTES = frozenset({"age", "name", "nickname", "born_on", "marital_status", "diet", "gender"})


def select_informative(assertions: Sequence[Assertion]) -> list[Assertion]:
    """Return the informative assertions in order, without duplicates. A repeated text adds its quotes to the first."""
    selected: dict[str, tuple[Assertion, frozenset[str]]] = {}
    for assertion in assertions:
        if not _is_informative(assertion):
            continue
        if assertion.text in selected:
            first, word_stems = selected[assertion.text]
            selected[assertion.text] = replace(first, quotes=(*first.quotes, *assertion.quotes)), word_stems
            continue
        word_stems = frozenset(topics.stem(word) for word in topics.content_words(assertion.text))
        if not any(_are_same(word_stems, others) for _, others in selected.values()):
            selected[assertion.text] = assertion, word_stems
    return [assertion for assertion, _ in selected.values()]


def _is_informative(assertion: Assertion) -> bool:
    """Return whether an assertion has a property, or enough specific words."""
    about = assertion.about
    if about.attribute and (assertion.specific_words or about.attribute in _INFORMATIVE_ATTRIBUTES):
        return True
    needs_two = assertion.is_thin or _ENDS_WITH_REFERENCE.search(assertion.text) is not None
    has_enough_words = len(set(assertion.specific_words)) >= (2 if needs_two else 1)
    return has_enough_words and bool(topics.content_words(assertion.text))


def _are_same(stems: frozenset[str], others: frozenset[str]) -> bool:
    return len(stems & others) >= SAME_FROM * len(stems | others)
