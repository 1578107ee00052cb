"""Which statements of a batch are worth remembering."""

from __future__ import annotations

from collections.abc import Sequence

from afterturn.extraction.offline import topics
from afterturn.extraction.offline.statements import Statement

#: Two statements of one speaker that share more of their words than this say the same.
SAME_FROM = 0.75

#: Properties whose values are informative whatever their words: "I am 30".
_CLOSED = frozenset({"age", "name", "nickname", "born_on", "marital_status", "diet", "gender"})


def worth_keeping(statements: Sequence[Statement]) -> list[Statement]:
    """Return the statements that say something, each once, in order."""
    kept: list[tuple[Statement, frozenset[str]]] = []
    for statement in statements:
        if not _informs(statement):
            continue
        roots = frozenset(topics.stem(word) for word in topics.words(statement.text))
        if not any(_same(roots, other) for _, other in kept):
            kept.append((statement, roots))
    return [statement for statement, _ in kept]


def _informs(statement: Statement) -> bool:
    """Whether it has a property, or enough words that say what it is about."""
    if statement.about.attribute and (statement.telling or statement.about.attribute in _CLOSED):
        return True
    return len(set(statement.telling)) >= (2 if statement.is_thin else 1) and bool(topics.words(statement.text))


def _same(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= SAME_FROM * len(one | other)
