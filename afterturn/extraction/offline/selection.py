"""Which statements of a batch are worth remembering."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from afterturn.extraction.offline import topics
from afterturn.extraction.offline.statements import Statement

#: Two statements of one speaker that share more of their words than this say the same.
SAME_FROM = 0.75

#: What such a statement is about stands elsewhere, so that one telling word is too little: "Ana drew it."
_POINTS_ELSEWHERE = re.compile(r"\b(?:it|this|that one|these|those)\b[.!]?$", re.IGNORECASE)

#: Properties whose values are informative whatever their words: "I am 30".
_CLOSED = frozenset({"age", "name", "nickname", "born_on", "marital_status", "diet", "gender"})


def worth_keeping(statements: Sequence[Statement]) -> list[Statement]:
    """Return the statements that say something, each once, in order; one that is said again has all its quotes."""
    kept: dict[str, tuple[Statement, frozenset[str]]] = {}
    for statement in statements:
        if not _informs(statement):
            continue
        if statement.text in kept:
            first, roots = kept[statement.text]
            kept[statement.text] = replace(first, quotes=(*first.quotes, *statement.quotes)), roots
            continue
        roots = frozenset(topics.stem(word) for word in topics.words(statement.text))
        if not any(_same(roots, other) for _, other in kept.values()):
            kept[statement.text] = statement, roots
    return [statement for statement, _ in kept.values()]


def _informs(statement: Statement) -> bool:
    """Whether it has a property, or enough words that say what it is about."""
    if statement.about.attribute and (statement.telling or statement.about.attribute in _CLOSED):
        return True
    needs_more = statement.is_thin or _POINTS_ELSEWHERE.search(statement.text) is not None
    return len(set(statement.telling)) >= (2 if needs_more else 1) and bool(topics.words(statement.text))


def _same(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= SAME_FROM * len(one | other)
