"""The part of a long text that a line of the memory block shows: the sentences that share most with the question."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence

from afterturn.excerpts import sentences, spans, words
from afterturn.excerpts.sentences import Unit

#: A longer text is shown in excerpts of about so many characters. Larger: few memories fill the budget. Smaller: a list
#: loses its items.
SHOWN_CHARACTERS = 480
#: Only so much of a text is searched for what the question asks.
_READ_CHARACTERS = 12_000
#: The sentence before and the one after a sentence of the question have these shares of its score.
_SHARE_BEFORE, _SHARE_AFTER = 0.3, 0.5
#: The first sentence says what the text is about.
_FIRST = 0.2


def shorten(text: str, wanted: Collection[str], language: str | None, limit: int = SHOWN_CHARACTERS) -> str:
    """Return a short text as it is, and of a longer one the sentences nearest to a question, with marks between them.

    Args:
        text: of a memory.
        wanted: the keys of the question's words (`words.find_keys`).
        language: of the question (ISO 639-1), or None.
        limit: the number of characters that are shown, about.
    """
    if len(text) <= limit:
        return text
    read = text[:_READ_CHARACTERS]
    units = sentences.find_units(read, ())
    if not units:
        return spans.show_pieces(text, [spans.Span(0, limit)])
    kept: list[Unit] = []
    room = limit
    for unit in _best_first(units, _scores(read, units, wanted, language)):
        length = unit.end - unit.start
        if length <= room or not kept:
            kept.append(unit)
            room -= length
    return spans.show_pieces(text, kept)


def _best_first(units: Sequence[Unit], scores: Sequence[float]) -> list[Unit]:
    order = sorted(range(len(units)), key=lambda place: (-scores[place], place))
    return [units[place] for place in order]


def _scores(text: str, units: Sequence[Unit], wanted: Collection[str], language: str | None) -> list[float]:
    """Return for each unit the weight of the question's words in it, and a share of that of its neighbours."""
    found = [words.find_keys(text[unit.start : unit.end], language).intersection(wanted) for unit in units]
    counts = Counter(key for keys in found for key in keys)
    own = [sum(math.log(1 + len(units) / counts[key]) for key in keys) for keys in found]
    scores = [
        score + _SHARE_AFTER * before + _SHARE_BEFORE * after
        for before, score, after in zip([0.0, *own], own, [*own[1:], 0.0], strict=False)
    ]
    scores[0] += _FIRST
    return scores
