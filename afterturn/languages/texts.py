"""What Postgres needs to stem a text: words, the configuration of their language, and pieces that need no stemming."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from afterturn.languages import configurations, present, segmentation

#: Only the beginning of a text is searched for words of change: a longer one is a document.
MAX_CHARACTERS = 2_000
#: A text that tells a change has this piece besides its own. No text contains it.
TELLS_CHANGE = "\x00tells change"

#: A piece or stem counts at most this many times in one text.
MAX_COUNT = 8


@dataclass(frozen=True, slots=True)
class StemInput:
    """The arguments of the SQL `stem_codes(words, configuration) || pieces`."""

    #: The text without the runs of scripts without spaces.
    words: str
    #: A text search configuration of Postgres.
    configuration: str
    #: The codes of the pieces of these runs, four bytes each.
    pieces: bytes


def code(stem: str) -> int:
    """Return the number of a stem or piece. The SQL function `stem_codes` of the schema computes the same number."""
    return int.from_bytes(hashlib.md5(stem.encode(), usedforsecurity=False).digest()[:4], "big")


def stem_input(text: str, language: str | None) -> StemInput:
    """Return what Postgres needs to stem a text in a language (ISO 639-1; None: not known)."""
    normalized = segmentation.normalize(text)
    words, pieces = segmentation.split(normalized)
    pieces += segmentation.short_words(normalized)
    if present.tells_change(normalized[:MAX_CHARACTERS], language):
        pieces.append(TELLS_CHANGE)
    return StemInput(words, configurations.of_language(language), _codes(pieces))


def as_columns(inputs: Sequence[StemInput]) -> dict[str, list[Any]]:
    """Return the arguments of a statement that stems several texts."""
    return {
        "words": [each.words for each in inputs],
        "configurations": [each.configuration for each in inputs],
        "pieces": [each.pieces for each in inputs],
    }


def _codes(pieces: Sequence[str]) -> bytes:
    return b"".join(code(piece).to_bytes(4, "big") * min(count, MAX_COUNT) for piece, count in Counter(pieces).items())
