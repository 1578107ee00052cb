"""How long a text is in tokens, estimated without a model's tokenizer."""

from __future__ import annotations

import re

#: English averages about four characters per token; words and marks are each at least one.
_PIECE = re.compile(r"\w+|[^\w\s]")
_CHARACTERS_PER_TOKEN = 4


def estimate(text: str) -> int:
    """Return the estimated number of tokens of `text`, at least 1."""
    return _by_length(text) if text.isascii() else _by_pieces(text)


def estimate_as_part(text: str) -> int:
    """Return the most that `text` adds to the estimate of a longer text: one that is ASCII no more, perhaps."""
    return max(_by_length(text), _by_pieces(text)) if text.isascii() else _by_pieces(text)


def _by_length(text: str) -> int:
    return max(1, -(-len(text) // _CHARACTERS_PER_TOKEN))


def _by_pieces(text: str) -> int:
    # Other scripts take more tokens per character: count bytes for long pieces, one for each short one.
    return max(1, sum(max(1, len(piece.encode()) // _CHARACTERS_PER_TOKEN) for piece in _PIECE.findall(text)))
