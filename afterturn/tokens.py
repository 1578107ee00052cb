"""How long a text is in tokens, estimated without a model's tokenizer."""

from __future__ import annotations

import re

#: English averages about four characters per token; words and marks are each at least one.
_PIECE = re.compile(r"\w+|[^\w\s]")
_CHARACTERS_PER_TOKEN = 4


def estimate(text: str) -> int:
    """Return the estimated number of tokens of `text`, at least 1."""
    if text.isascii():
        return max(1, -(-len(text) // _CHARACTERS_PER_TOKEN))
    # Other scripts take more tokens per character: count bytes for long pieces, one for each short one.
    return max(1, sum(max(1, len(piece.encode()) // _CHARACTERS_PER_TOKEN) for piece in _PIECE.findall(text)))
